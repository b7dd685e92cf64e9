"""Runs on the results ledger without any audio, model or Ray: plans, receipts and commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from tagged import STORAGE, failed, ok

from pipeline.schemas import CATALOG, RESULTS
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.prepare import Asked, Prepared, prepare
from pipeline.tables.receipt import Receipt, write_rows

KEY = "scoring-a"


def start(root: Path | str, *, tracks: Iterable[str], run_id: str, key: str = KEY) -> Prepared:
    """A run that is planned: version v1 of these tracks."""
    rows = [{"track_id": t, "audio_version": "v1", "uri": f"/music/{t}.wav"} for t in tracks]
    schema = pa.schema([CATALOG.field(name) for name in ("track_id", "audio_version", "uri")])
    seconds = pa.array([30.0] * len(rows), pa.float64())
    planned = pa.Table.from_pylist(rows, schema=schema).append_column("work_s", seconds)
    return prepare(
        Asked(
            RESULTS_LEDGER,
            keys=[key],
            register=lambda connection: connection.register("planned", planned) and None,
            order="track_id",
            root_url=str(root),
            storage=STORAGE,
            memory_mb=256,
        ),
        run_id=run_id,
    )


def written(
    root: Path | str,
    *,
    tracks: Iterable[str],
    numbers: Sequence[int],
    key: str = KEY,
    reason: str | None = None,
) -> Receipt:
    """A file of scored tracks, or of failed ones, and its receipt."""
    rows = [failed(t, reason, by=key) if reason else ok(t, [0.5], by=key) for t in tracks]
    return write_rows(
        rows,
        numbers=numbers,
        table_url=f"{root}/results",
        storage=STORAGE,
        schema=RESULTS,
        key=key,
        counted=[True] * len(numbers),
    )


def rows_of(root: Path | str) -> list[str]:
    """Track ids in the ledger, as often as they stand there."""
    rows = pa.table(DeltaTable(f"{root}/results").scan(columns=["track_id"]).read_all())
    return sorted(rows["track_id"].to_pylist())
