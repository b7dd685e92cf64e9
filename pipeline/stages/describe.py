"""Audio to descriptors: fetch > decode > describe > write > receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import torch
from threadpoolctl import threadpool_limits

from pipeline.audio.decode import Wave
from pipeline.audio.descriptors import describe
from pipeline.audio.descriptors_spec import DescriptorSpec
from pipeline.errors import DataError
from pipeline.schemas import DESCRIPTORS
from pipeline.stages.load import Loader, LoadWork
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import join
from pipeline.tables.ledger import DESCRIPTORS_LEDGER
from pipeline.tables.pending import Pending, PendingReader
from pipeline.tables.receipt import Receipt, write_rows


@dataclass(frozen=True)
class DescribeWork:
    """What a describing actor needs."""

    root_url: str
    pending: Pending
    load: LoadWork
    spec: DescriptorSpec
    plan_id: str
    run_id: str
    file_tracks: int


class DescribeTracks:
    """In: a slice of the pending file.

    Out: one receipt a written file.
    Fan-out: a file for every `file_tracks` tracks.
    Rejects: a track that cannot be read is a row with status failed and a reason.
    """

    def __init__(self, work: DescribeWork) -> None:
        torch.set_num_threads(1)
        threadpool_limits(1)  # of BLAS and OpenMP; librosa's numba code has no threads of its own
        self._work = work
        self._pending = PendingReader(work.pending, storage=work.load.storage)
        self._watch = Stopwatch()
        self._loader = Loader(work.load, watch=self._watch)

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields receipts as files are written."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            rows = self._pending.rows(start, stop)
            for receipt in self._describe(rows):
                yield pa.table({"receipt": [receipt.to_json()]})

    def _describe(self, rows: list[dict[str, Any]]) -> Iterator[Receipt]:
        described: list[dict[str, Any]] = []
        numbers: list[int] = []
        for row, wave in self._loader.waves(rows):
            numbers.append(row["row"])
            described.append(self._row(row, wave))
            if len(described) == self._work.file_tracks:
                yield self._write(described, numbers=numbers)
                described, numbers = [], []
        if described:
            yield self._write(described, numbers=numbers)

    def _write(self, rows: list[dict[str, Any]], *, numbers: list[int]) -> Receipt:
        with self._watch.timing("write"):
            receipt = write_rows(
                rows,
                numbers=numbers,
                table_url=join(self._work.root_url, DESCRIPTORS_LEDGER.name),
                storage=self._work.load.storage,
                schema=DESCRIPTORS,
                key=self._work.spec.spec_id,
                counted=[True] * len(rows),
            )
        return self._watch.onto([receipt])[0]

    def _row(self, row: dict[str, Any], wave: Wave | DataError) -> dict[str, Any]:
        facts = {
            "track_id": row["track_id"],
            "audio_version": row["audio_version"],
            "spec_id": self._work.spec.spec_id,
            "plan_id": self._work.plan_id,
            "run_id": self._work.run_id,
            "made_at": datetime.now(UTC),
        }
        if isinstance(wave, DataError):
            reason, detail = str(wave.reason), wave.detail or None
            return facts | {"status": "failed", "reason": reason, "detail": detail}
        with self._watch.timing("describe"):
            described = describe(wave.wave_T, spec=self._work.spec).values
        flaw = {"reason": wave.flaw, "detail": wave.detail or None}
        return facts | {"status": "ok"} | flaw | described
