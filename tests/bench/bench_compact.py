"""Files and query times before and after `earmark compact`, as JSON.

    python tests/bench/bench_compact.py FOLDER

A workspace as many small runs leave it: COMMITS commits of ROWS tracks each to `results`, and a
publish after every PUBLISH_EVERY of them. Each time is of the processor, all threads,
and the median of REPEATS.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from pipeline import schemas
from pipeline.schemas import RESULTS
from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.compaction import Extent, compact
from pipeline.tables.scorings import Scoring, write_scoring
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query
from pipeline.taxonomy import Taxonomy

STORAGE = Storage()
COMMITS, ROWS, PUBLISH_EVERY, TAGS, EMBEDDING = 150, 200, 10, 50, 64
MEMORY_MB, REPEATS = 512, 3
QUERIES = {
    "best tracks of a tag": "SELECT track_id, score FROM tags WHERE tag = 't07' "
    "ORDER BY score DESC LIMIT 20",
    "tags of a track": "SELECT tag, score FROM tags WHERE track_id = 'c0123-00042'",
    "results of a track": "SELECT status FROM results WHERE track_id = 'c0123-00042'",
    "tracks by status": "SELECT status, count(*) FROM results GROUP BY ALL",
}


def fill(root: str) -> None:
    """The workspace."""
    taxonomy = Taxonomy("bench", tuple(f"any---t{i:02d}" for i in range(TAGS)))
    one = Scoring("bench1", "bench@0", "bench", taxonomy, None, "audio", {}, {})
    write_scoring(root, storage=STORAGE, scoring=one)
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    for commit in range(COMMITS):
        rows = [
            {
                "track_id": f"c{commit:04d}-{i:05d}",
                "audio_version": "v1",
                "scoring_id": "bench1",
                "plan_id": "p",
                "run_id": "r",
                "status": "ok",
                "scores": rng.random(TAGS, np.float32),
                "embedding": rng.random(EMBEDDING, np.float32),
                "tagged_at": now,
            }
            for i in range(ROWS)
        ]
        table = delta.open_table(f"{root}/results", storage=STORAGE, schema=RESULTS)
        write_deltalake(table, pa.Table.from_pylist(rows, schema=RESULTS), mode="append")
        if commit % PUBLISH_EVERY == PUBLISH_EVERY - 1:
            publish(root, storage=STORAGE, memory_mb=MEMORY_MB)


def median_ms(action: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        action()
        times.append(time.process_time() - started)
    return round(1000 * statistics.median(times), 1)


def measure(root: str) -> dict[str, object]:
    """Files, and the processor time of opening and of each query, milliseconds."""

    def results() -> object:
        return delta.open_existing(f"{root}/results", storage=STORAGE, schema=RESULTS)

    found: dict[str, object] = {"files": {}, "open results": median_ms(results)}
    for name in ("results", "tags"):
        folder = Path(root) / name
        table = delta.open_table(str(folder), storage=STORAGE, schema=_schema(name))
        found["files"][name] = len(delta.file_uris(table))  # type: ignore[index]
    with open_views(root, storage=STORAGE, memory_mb=MEMORY_MB) as connection:
        for name, sql in QUERIES.items():
            found[name] = median_ms(lambda sql=sql: run_query(connection, sql))
    return found


def _schema(name: str) -> pa.Schema:
    return {"results": schemas.RESULTS, "tags": schemas.TAGS}[name]


def main(root: str) -> dict[str, object]:
    fill(root)
    found: dict[str, object] = {"before": measure(root)}
    for extent in Extent:
        started = time.process_time()
        compact(root, storage=STORAGE, memory_mb=MEMORY_MB, extent=extent)
        found[f"compact {extent}, seconds"] = round(time.process_time() - started, 2)
        found[f"after {extent}"] = measure(root)
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1]), indent=2))
