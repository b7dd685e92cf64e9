"""Plans, resumes and verifies a catalog of N ids: seconds and peak memory, as JSON.

    python tests/bench/bench_ids.py 1000000 FOLDER

Each step runs in a process of its own, so that a peak is its own. Steps: a plan with nothing
committed, a plan with all but one in a thousand committed, verify, a catalog with an id that
stands twice. Nothing is decoded or scored.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import write_deltalake

from pipeline.errors import TableError
from pipeline.schemas import CATALOG, RESULTS
from pipeline.storage import Storage
from pipeline.tables.database import register_catalog
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.prepare import Asked, Prepared, prepare
from pipeline.tables.verify import verify

BATCH = 50_000
KEY = "scoring-million"
VERSION = "d41d8cd98f00b204e9800998ecf8427e"
MEMORY_MB = 256
OPEN_OF = 1_000
"""One track in so many is left open for the resume."""


def rows(schema: pa.Schema, number: int, **values: pa.Array) -> pa.Table:
    """A table in which the columns that are not given are null."""
    arrays = [values.get(name, pa.nulls(number)) for name in schema.names]
    cast = [array.cast(kind) for array, kind in zip(arrays, schema.types, strict=True)]
    return pa.Table.from_arrays(cast, schema=schema)


def constant(value: object, number: int) -> pa.Array:
    return pa.array([value]).take(pa.array([0] * number))


def catalog(num_tracks: int) -> Iterator[pa.Table]:
    for first in range(0, num_tracks, BATCH):
        numbers = range(first, min(first + BATCH, num_tracks))
        yield rows(
            CATALOG,
            len(numbers),
            track_id=pa.array([f"{i:032x}" for i in numbers]),
            uri=pa.array([f"s3://music/{i % 997}/{i}.mp3" for i in numbers]),
            source_url=constant("s3://music", len(numbers)),
            audio_version=constant(VERSION, len(numbers)),
            occurrence=constant(0, len(numbers)),
        )


def results(num_tracks: int) -> Iterator[pa.Table]:
    now = datetime.now(UTC)
    for first in range(0, num_tracks, BATCH):
        done = [i for i in range(first, min(first + BATCH, num_tracks)) if i % OPEN_OF]
        facts = {
            "audio_version": VERSION,
            "scoring_id": KEY,
            "plan_id": "p",
            "run_id": "r",
            "status": "ok",
            "duration_s": 30.0,
            "scores": [0.5, 0.25],
            "tagged_at": now,
        }
        columns = {name: constant(value, len(done)) for name, value in facts.items()}
        yield rows(RESULTS, len(done), track_id=pa.array([f"{i:032x}" for i in done]), **columns)


def append(url: str, tables: Iterator[pa.Table]) -> None:
    """A commit and a file every batch."""
    for table in tables:
        write_deltalake(url, table, mode="append")


def plan(root: str) -> Prepared:
    def register(connection: duckdb.DuckDBPyConnection) -> None:
        register_catalog(connection, root_url=root, storage=Storage())
        connection.sql(
            "SELECT track_id, audio_version, uri, 30::DOUBLE AS work_s FROM catalog"
        ).create_view("planned")

    return prepare(
        Asked(
            RESULTS_LEDGER,
            keys=[KEY],
            register=register,
            order="track_id",
            root_url=root,
            storage=Storage(),
            memory_mb=MEMORY_MB,
        ),
        run_id="bench",
    )


def step(name: str, root: str) -> dict[str, object]:
    """One measured step, in this process."""
    started = time.monotonic()
    facts: dict[str, object] = {}
    if name == "verify":
        (check,) = verify(root, storage=Storage(), memory_mb=MEMORY_MB).plans
        facts = {"ok": check.ok, "missing": check.missing}
    else:
        try:
            facts = {"open": plan(root).pending.num_tracks}
        except TableError as error:
            facts = {"refused": str(error).splitlines()[1].strip()}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return facts | {"seconds": round(time.monotonic() - started, 2), "peak_mb": round(peak_mb)}


def alone(name: str, root: str) -> dict[str, object]:
    line = [sys.executable, __file__, "--step", name, root]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def measure(num_tracks: int, folder: Path) -> dict[str, object]:
    """All steps over a catalog of so many tracks."""
    root = str(folder)
    append(f"{root}/catalog", catalog(num_tracks))
    found: dict[str, object] = {"tracks": num_tracks, "plan": alone("plan", root)}
    append(f"{root}/results", results(num_tracks))
    found |= {"resume": alone("resume", root), "verify": alone("verify", root)}
    append(f"{root}/catalog", catalog(1))
    return found | {"duplicate": alone("duplicate", root)}


if __name__ == "__main__":
    if sys.argv[1] == "--step":
        print(json.dumps(step(sys.argv[2], sys.argv[3])))
    else:
        print(json.dumps(measure(int(sys.argv[1]), Path(sys.argv[2])), indent=2))
