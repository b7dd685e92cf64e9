"""Seconds and memory of a population's recap over ten million listens, as JSON.

    python tests/bench/bench_recap.py FOLDER [parquet|csv|jsonl]

FOLDER gets a workspace of TRACKS tracks with positive tags of a calibrated taxonomy, and a history
of LISTENS rows by USERS users: 80 % name a track by its id, the others by artist and title, in
capitals, with a suffix. Popularity is Zipf's. What is there is used again. DuckDB gets MEMORY_MB
and THREADS cores; the measured process is one of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from pipeline.config import load
from pipeline.config_recap import RecapJob
from pipeline.consumers.recap_make import make_recap
from pipeline.schemas import CATALOG, CURRENT, TAGS
from pipeline.storage import Storage
from pipeline.tables import delta

ROOT = Path(__file__).resolve().parents[2]

STORAGE = Storage()
LISTENS = int(os.environ.get("LISTENS", 10_000_000))
TRACKS, ARTISTS, USERS, DAYS = 100_000, 8_000, 10_000, 730
TAG_NAMES, POSITIVE = 50, 5
MEMORY_MB, THREADS = 1024, 2
CATEGORIES = ("genre", "mood", "instrument", "vocal", "era")


def fill(root: str) -> None:
    """The workspace: a catalog, and its tags as `publish` writes them."""
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    artist = np.minimum(rng.zipf(1.3, TRACKS), ARTISTS) - 1
    catalog = {
        "track_id": [f"t{i:06d}" for i in range(TRACKS)],
        "uri": [f"/music/{i:06d}.mp3" for i in range(TRACKS)],
        "source_url": ["/music"] * TRACKS,
        "occurrence": [0] * TRACKS,
        "audio_version": ["v1"] * TRACKS,
        "duration_s": rng.normal(220, 60, TRACKS).clip(60, 600),
        "title": [f"Song Number {i}" for i in range(TRACKS)],
        "artist": [f"Artist {i}" for i in artist],
        "year": pa.array(rng.integers(1960, 2026, TRACKS), pa.int32()),
        "scanned_at": [now] * TRACKS,
    }
    _write(f"{root}/catalog", catalog, schema=CATALOG)
    names = [f"tag{i:02d}" for i in range(TAG_NAMES)]
    tag = np.argsort(rng.random((TRACKS, TAG_NAMES)), axis=1)[:, :POSITIVE].ravel()
    rows = TRACKS * POSITIVE
    tags = {
        "track_id": np.repeat(catalog["track_id"], POSITIVE),
        "audio_version": ["v1"] * rows,
        "scoring_id": ["bench1"] * rows,
        "taxonomy_id": ["bench-1"] * rows,
        "tag": [names[i] for i in tag],
        "category": [CATEGORIES[i % len(CATEGORIES)] for i in tag],
        "score": rng.uniform(0.5, 1, rows).astype(np.float32),
        "threshold": np.full(rows, 0.5, np.float32),
        "positive": [True] * rows,
        "rank": pa.array(np.tile(np.arange(1, POSITIVE + 1), TRACKS), pa.int32()),
    }
    _write(f"{root}/tags", tags, schema=TAGS)
    shown = {
        "taxonomy_id": "bench-1",
        "taxonomy": "bench",
        "tags": [f"{CATEGORIES[i % len(CATEGORIES)]}---{name}" for i, name in enumerate(names)],
        "scoring_id": "bench1",
        "model_version": "bench@1",
        "since": now,
    }
    _write(f"{root}/current", pa.Table.from_pylist([shown], schema=CURRENT), schema=CURRENT)


def _write(url: str, columns: dict | pa.Table, *, schema: pa.Schema) -> None:
    if isinstance(columns, dict):
        size = len(columns["track_id"])
        whole = {f.name: columns.get(f.name, pa.nulls(size, f.type)) for f in schema}
        columns = pa.table(whole).cast(schema)
    write_deltalake(delta.open_table(url, storage=STORAGE, schema=schema), columns, mode="append")


def make_history(path: Path) -> None:
    """The history, by DuckDB."""
    user = f"least({USERS - 1}, floor({USERS} * pow(random(), 1.6)))::INTEGER"
    # A user's tracks lie around a place of his own: he shares the head of the list with all.
    track = (
        f"CASE WHEN random() < 0.5 THEN floor({TRACKS} * pow(random(), 4)) "
        f"ELSE (u * 7919 + floor(400 * pow(random(), 2))) % {TRACKS} END::INTEGER"
    )
    kinds = {".parquet": "FORMAT parquet", ".csv": "FORMAT csv, HEADER", ".jsonl": "FORMAT json"}
    moment = f"make_timestamptz(1704067200000000 + (random() * {DAYS} * 86400e6)::BIGINT)"
    text = moment if path.suffix == ".parquet" else f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ')"
    connection = duckdb.connect(config={"threads": THREADS})
    connection.execute("SELECT setseed(0.5); SET TimeZone = 'UTC'")
    connection.register("names", pa.table(_names(path.parent / "ws")))
    connection.execute(
        f"""COPY (
        SELECT 'user' || u AS user, CASE WHEN by_id THEN track_id END AS track,
            CASE WHEN NOT by_id THEN upper(artist) END AS artist,
            CASE WHEN NOT by_id THEN title || ' (2011 Remaster)' END AS title, time, ms_played
        FROM (SELECT u, {track} AS t, random() < 0.8 AS by_id, {text} AS time,
                (20000 + random() * 220000)::INTEGER AS ms_played
            FROM (SELECT {user} AS u FROM range({LISTENS})))
        JOIN names ON t = number) TO '{path}' ({kinds[path.suffix]})"""
    )


def _names(root: Path) -> dict[str, object]:
    table = delta.open_table(f"{root}/catalog", storage=STORAGE, schema=CATALOG)
    rows = table.to_pyarrow_table(columns=["track_id", "artist", "title"]).sort_by("track_id")
    columns = {name: rows[name] for name in rows.column_names}
    return {"number": pa.array(range(rows.num_rows), pa.int32()), **columns}


def measure(folder: str, path: str) -> None:
    """One recap of the population, in this process."""
    overrides = (
        f"workspace.root_url={folder}/ws",
        f"history.source={path}",
        "recap.scope=population",
        f"query.memory_mb={MEMORY_MB}",
    )
    job = load(RecapJob, ROOT / "conf" / "recap.yaml", overrides=overrides)
    started, cpu = time.perf_counter(), time.process_time()
    recap = make_recap(job)
    facts = {
        "listens": LISTENS,
        "file_mb": round(Path(path).stat().st_size / 2**20),
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "plays": recap.plays,
        "users": recap.users,
        "matched": round(recap.match.share, 4),
        "by": recap.match.by,
        "personality": [value and round(value, 3) for value in recap.personality.values],
        "suppressed": recap.suppressed,
    }
    print(json.dumps(facts, indent=2))


def main() -> None:
    """Makes what is missing, then measures in a process of its own."""
    folder = Path(sys.argv[1]).absolute()
    kind = sys.argv[2] if len(sys.argv) > 2 else "parquet"
    path = folder / f"history-{LISTENS}.{kind}"
    if len(sys.argv) > 3:
        measure(str(folder), str(path))
        return
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "ws").exists():
        fill(str(folder / "ws"))
    if not path.exists():
        make_history(path)
    subprocess.run([sys.executable, __file__, str(folder), kind, "measure"], check=True)


if __name__ == "__main__":
    main()
