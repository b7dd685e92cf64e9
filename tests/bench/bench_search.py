"""Search and similar on a synthetic catalog, beside plain DuckDB on one unsorted Parquet file.

    python tests/bench/bench_search.py [--tracks 1000000] [--folder FOLDER]

Results (50 scores, 753 values of an embedding a track) are random numbers, published by `publish`
itself; the plain file holds the same rows of `tags`, in the order of the tracks. Both sides answer
the same questions, and the answers are compared. Times are medians of warm rounds, each round with
other tags. JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import duckdb
import numpy as np
import pyarrow as pa
from bench_retag import lists
from deltalake import write_deltalake

from pipeline.consumers.neighbours import open_neighbours
from pipeline.consumers.search import Searcher
from pipeline.consumers.search_request import Range, Search, UnwantedTag, WantedTag
from pipeline.schemas import CATALOG, DESCRIPTORS, RESULTS
from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.scorings import Scoring, write_scoring
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views
from pipeline.taxonomy import Taxonomy

NUM_TAGS, NUM_VALUES, NUM_ARTISTS, FILE_ROWS = 50, 753, 20_000, 8_192
KEY, THRESHOLD, MEMORY_MB, ROUNDS, PLAIN_ROUNDS = "5" * 16, 0.5, 2_048, 15, 3
TAXONOMY = Taxonomy("toy50", tuple(f"mood---tag{i:02d}" for i in range(NUM_TAGS)))
STORAGE = Storage()


def chunks(tracks: int) -> Iterator[range]:
    for first in range(0, tracks, FILE_ROWS):
        yield range(first, min(first + FILE_ROWS, tracks))


def table(schema: pa.Schema, count: int, **columns: object) -> pa.Table:
    """Columns that are not given are null; one value stands for all rows."""
    full = {}
    for field in schema:
        value = columns.get(field.name)
        if isinstance(value, str | int | datetime):
            value = pa.array([value]).take(pa.array(np.zeros(count, np.int8)))
        full[field.name] = pa.nulls(count, field.type) if value is None else value
    return pa.table(full).cast(schema)


def ids(numbers: range) -> list[str]:
    return [f"{i * 2_654_435_761 % 2**32:08x}{i:024x}" for i in numbers]


def write_workspace(root: Path, *, tracks: int) -> None:
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    schemas = {"catalog": CATALOG, "descriptors": DESCRIPTORS, "results": RESULTS}
    for name, schema in schemas.items():
        delta.open_table(f"{root}/{name}", storage=STORAGE, schema=schema)
    for numbers in chunks(tracks):
        count, track_id = len(numbers), ids(numbers)
        version = [f"{i:016x}" for i in numbers]
        artists = (NUM_ARTISTS * rng.random(count) ** 2).astype(int)  # some have many tracks
        same = {"track_id": track_id, "audio_version": version}
        work = {"plan_id": "p", "run_id": "r", "status": "ok"}
        rows = {
            "catalog": same
            | {"uri": [f"/music/{i}.mp3" for i in numbers], "source_url": "/music"}
            | {"occurrence": 0, "title": [f"Title {i}" for i in numbers], "scanned_at": now}
            | {"artist": [f"Artist {i}" for i in artists], "dataset": "toy"},
            "descriptors": same
            | work
            | {"spec_id": "s", "tempo_bpm": rng.uniform(60, 180, count), "made_at": now},
            "results": same
            | work
            | {"scoring_id": KEY, "model_version": "toy@1", "num_chunks": 10, "tagged_at": now}
            | {"scores": lists(rng.random((count, NUM_TAGS), dtype=np.float32) ** 3)}
            | {"embedding": lists(rng.standard_normal((count, NUM_VALUES), dtype=np.float32))},
        }
        for name, schema in schemas.items():
            write_deltalake(f"{root}/{name}", table(schema, count, **rows[name]), mode="append")
    scoring = Scoring(
        scoring_id=KEY,
        model_version="toy@1",
        reference="toy",
        taxonomy=TAXONOMY,
        thresholds=(THRESHOLD,) * NUM_TAGS,
        input="audio",
        frontend={},
        chunking={},
    )
    write_scoring(str(root), storage=STORAGE, scoring=scoring)
    publish(str(root), storage=STORAGE, memory_mb=MEMORY_MB)


def write_plain(root: Path, folder: Path) -> None:
    """The same rows as plain files: tags in the order of the tracks, catalog and descriptors."""
    tags = ", ".join(f"'{name}'" for name in TAXONOMY.names)
    columns = {
        "tags": f"track_id, unnest([{tags}]) AS tag, unnest(scores) AS score, "
        f"unnest(list_transform(scores, lambda x: x >= {THRESHOLD})) AS positive",
        "catalog": "*",
        "descriptors": "*",
    }
    schemas = {"tags": RESULTS, "catalog": CATALOG, "descriptors": DESCRIPTORS}
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_MB}MiB'")
        for name, schema in schemas.items():
            url = f"{root}/{'results' if name == 'tags' else name}"
            made = delta.open_existing(url, storage=STORAGE, schema=schema)
            rows = connection.read_parquet(delta.file_uris(made)).project(columns[name])
            rows.write_parquet(f"{folder}/{name}.parquet")


def seconds(ask: Callable[[int], object], *, rounds: int) -> dict[str, float]:
    """Milliseconds of warm rounds; each is asked once before."""
    for i in range(rounds):
        ask(i)
    times = []
    for i in range(rounds):
        started = time.perf_counter()
        ask(i)
        times.append(1000 * (time.perf_counter() - started))
    return {"median_ms": round(statistics.median(times), 1), "most_ms": round(max(times), 1)}


def best_search(i: int) -> Search:
    return Search(like=(WantedTag(f"tag{i:02d}"),))


def full_search(i: int) -> Search:
    return Search(
        like=tuple(WantedTag(f"tag{(i + k) % NUM_TAGS:02d}") for k in range(3)),
        unlike=(UnwantedTag(f"tag{(i + 3) % NUM_TAGS:02d}"),),
        ranges=(Range("tempo_bpm", 80, 100),),
        per_artist=1,
    )


def best_sql(i: int, files: dict[str, str]) -> str:
    return (
        f"SELECT track_id FROM {files['tags']} WHERE tag = 'tag{i:02d}' "
        "ORDER BY score DESC, track_id LIMIT 100"
    )


def full_sql(i: int, files: dict[str, str]) -> str:
    rows = [
        f"(SELECT track_id, score FROM {files['tags']} WHERE tag = 'tag{(i + k) % NUM_TAGS:02d}' "
        f"{'AND NOT positive' if k == 3 else ''}) s{k}"
        for k in range(4)
    ]
    return (
        "SELECT track_id FROM (SELECT t.track_id, artist, "
        "s0.score::DOUBLE * s1.score::DOUBLE * s2.score::DOUBLE AS k "
        f"FROM {files['catalog']} t JOIN {files['descriptors']} d USING (track_id) "
        + " ".join(f"JOIN {one} USING (track_id)" for one in rows)
        + " WHERE tempo_bpm BETWEEN 80 AND 100) QUALIFY row_number() OVER "
        "(PARTITION BY artist ORDER BY k DESC, track_id) = 1 ORDER BY k DESC, track_id LIMIT 100"
    )


def compare(searcher: Searcher, folder: Path) -> dict[str, object]:
    """Each kind of search, by the searcher and by plain DuckDB, with their ratio."""
    files = {name: f"'{folder}/{name}.parquet'" for name in ("tags", "catalog", "descriptors")}
    kinds = {"best_100": (best_search, best_sql), "full": (full_search, full_sql)}
    report: dict[str, object] = {}
    with duckdb.connect() as plain:
        for name, (search, sql) in kinds.items():
            started = time.perf_counter()
            found = searcher.search(search(20))["track_id"].to_pylist()
            first_ms = round(1000 * (time.perf_counter() - started), 1)
            rows = plain.sql(sql(20, files)).fetchall()
            assert found == [row[0] for row in rows], f"{name}: other tracks"
            ours = seconds(lambda i, s=search: searcher.search(s(i)), rounds=ROUNDS)
            theirs = seconds(
                lambda i, q=sql: plain.sql(q(i, files)).fetchall(), rounds=PLAIN_ROUNDS
            )
            ratio = round(theirs["median_ms"] / ours["median_ms"], 1)
            report[name] = ours | {"first_ms": first_ms, "plain": theirs, "times": ratio}
    return report


def similar(connection: duckdb.DuckDBPyConnection, root: Path, cache: Path) -> dict[str, object]:
    started = time.perf_counter()
    open_neighbours(connection, scoring_id=KEY, folder=str(cache))
    built_s = round(time.perf_counter() - started, 1)
    started = time.perf_counter()
    near = open_neighbours(connection, scoring_id=KEY, folder=str(cache))
    opened_s = round(time.perf_counter() - started, 2)
    queries = [near.vector(one) for one in ids(range(ROUNDS))]
    half = np.arange(len(near.ids)) % 2 == 0
    ours = seconds(lambda i: near.nearest(queries[i], limit=20), rounds=ROUNDS)
    filtered = seconds(
        lambda i: near.nearest(queries[i], limit=20, allowed_N=half), rounds=PLAIN_ROUNDS
    )
    results = delta.open_existing(f"{root}/results", storage=STORAGE, schema=RESULTS)
    with duckdb.connect() as plain:
        plain.read_parquet(delta.file_uris(results)).create_view("results")

        def ask(i: int) -> list[tuple]:
            return plain.execute(
                "SELECT track_id FROM results ORDER BY list_cosine_similarity(embedding, "
                "$1::FLOAT[]) DESC, track_id LIMIT 20",
                [queries[i].tolist()],
            ).fetchall()

        found = near.nearest(queries[0], limit=20)["track_id"].to_pylist()
        overlap = len(set(found) & {row[0] for row in ask(0)})
        theirs = seconds(ask, rounds=1)
    return ours | {
        "filtered": filtered,
        "built_s": built_s,
        "opened_s": opened_s,
        "plain": theirs,
        "same_of_20": overlap,
        "times": round(theirs["median_ms"] / ours["median_ms"], 1),
    }


def mebibytes(folder: Path) -> int:
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 2**20)


def peak_mib() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(tracks: int, folder: Path) -> None:
    root, plain, cache = folder / "ws", folder / "plain", folder / "cache"
    plain.mkdir()
    started = time.perf_counter()
    write_workspace(root, tracks=tracks)
    made_s = time.perf_counter() - started
    write_plain(root, plain)
    report: dict[str, object] = {
        "tracks": tracks,
        "made_s": round(made_s),
        "made_peak_mib": peak_mib(),
        "disk_mib": {p.name: mebibytes(p) for p in (*sorted(root.iterdir()), plain) if p.is_dir()},
    }
    started = time.perf_counter()
    with open_views(str(root), storage=STORAGE, memory_mb=MEMORY_MB) as connection:
        report["views_s"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        searcher = Searcher(connection)
        report["searcher_s"] = round(time.perf_counter() - started, 2)
        report |= compare(searcher, plain)
        report["similar"] = similar(connection, root, cache)
    report |= {"peak_mib": peak_mib(), "cache_mib": mebibytes(cache)}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--folder", help="for about 12 GB; default: the system's temporary folder")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="earmark-search-", dir=given.folder))
    try:
        main(given.tracks, place)
    finally:
        shutil.rmtree(place)
