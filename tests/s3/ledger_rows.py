"""Rows for a ledger in a bucket; as a program, one of several processes that commit at once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import DeltaTable

from pipeline.schemas import CATALOG
from pipeline.storage import Storage
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.prepare import Asked, Prepared, prepare
from pipeline.tables.receipt import Receipt, write_rows

KEY = "scoring-a"


def start(root: str, *, storage: Storage, tracks: list[str], run_id: str) -> Prepared:
    def register(connection):
        rows = [{"track_id": t, "audio_version": "v1", "uri": f"/m/{t}.wav"} for t in tracks]
        schema = pa.schema([CATALOG.field(n) for n in rows[0]])
        seconds = pa.array([30.0] * len(rows), pa.float64())
        planned = pa.Table.from_pylist(rows, schema=schema)
        connection.register("planned", planned.append_column("work_s", seconds))

    return prepare(
        Asked(
            RESULTS_LEDGER,
            keys=[KEY],
            register=register,
            order="track_id",
            root_url=root,
            storage=storage,
            memory_mb=256,
        ),
        run_id=run_id,
    )


def written(root: str, *, storage: Storage, tracks: list[str], numbers: list[int]) -> Receipt:
    rows = [
        {
            "track_id": track,
            "audio_version": "v1",
            "scoring_id": KEY,
            "model_version": "m",
            "plan_id": "p",
            "run_id": "r",
            "status": "ok",
            "duration_s": 30.0,
            "num_chunks": 1,
            "scores": [0.25, 0.75],
            "embedding": [0.5],
            "tagged_at": datetime.now(UTC),
        }
        for track in tracks
    ]
    return write_rows(
        rows,
        numbers=numbers,
        table_url=f"{root}/results",
        storage=storage,
        schema=RESULTS_LEDGER.schema,
        key=KEY,
        counted=[True] * len(rows),
    )


def committed(root: str, *, storage: Storage) -> list[str]:
    """Ids of the table's rows, each as often as it stands there."""
    table = DeltaTable(f"{root}/results", storage_options=storage.delta_options(root))
    return sorted(pa.table(table.scan().read_all())["track_id"].to_pylist())


def work(prepared: Prepared, *, root: str, storage: Storage, tracks: list[str], each: int) -> None:
    """Writes and commits all tracks, `each` at a time."""
    for i in range(0, len(tracks), each):
        part = tracks[i : i + each]
        numbers = list(range(i, i + len(part)))
        committer = prepared.committers[KEY]
        committer.add(written(root, storage=storage, tracks=part, numbers=numbers))
        committer.commit()


def main(root: str, endpoint_url: str, run_id: str, num_tracks: str) -> None:
    storage = Storage(endpoint_url=endpoint_url)
    tracks = [f"t{i:02d}" for i in range(int(num_tracks))]
    prepared = start(root, storage=storage, tracks=tracks, run_id=run_id)
    print("ready", flush=True)
    sys.stdin.readline()
    work(prepared, root=root, storage=storage, tracks=tracks, each=4)
    print(prepared.committers[KEY].committed, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
