"""Audio to mel parts: fetch > decode > mel > write > receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from pipeline.audio.decode import Wave
from pipeline.audio.frontend import Frontend, FrontendSpec
from pipeline.errors import DataError
from pipeline.schemas import FEATURE_INDEX
from pipeline.stages.load import Loader, LoadWork
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import join
from pipeline.tables.features import write_part
from pipeline.tables.pending import Pending, PendingReader
from pipeline.tables.receipt import Receipt, write_rows

PART_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ExtractWork:
    """What an extracting actor needs."""

    root_url: str
    pending: Pending
    load: LoadWork
    spec: FrontendSpec
    plan_id: str
    run_id: str
    file_tracks: int


class ExtractTracks:
    """In: a slice of the pending file.

    Out: one receipt a written index file, whose rows lead to a part.
    Fan-out: a part and an index file for every `file_tracks` tracks.
    Rejects: a track that cannot be read is an index row with status failed and a reason.
    """

    def __init__(self, work: ExtractWork) -> None:
        torch.set_num_threads(1)
        self._work = work
        self._pending = PendingReader(work.pending, storage=work.load.storage)
        self._watch = Stopwatch()
        self._loader = Loader(work.load, watch=self._watch)
        self._frontend = Frontend(work.spec)

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields receipts as files are written."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            rows = self._pending.rows(start, stop)
            for receipt in self._extract(rows):
                yield pa.table({"receipt": [receipt.to_json()]})

    def _extract(self, rows: list[dict[str, Any]]) -> Iterator[Receipt]:
        """A part is closed after `file_tracks` tracks, or earlier when its mels grow large."""
        index: list[dict[str, Any]] = []
        numbers: list[int] = []
        mels: list[tuple[str, NDArray[np.float16]]] = []
        for row, wave in self._loader.waves(rows):
            numbers.append(row["row"])
            if isinstance(wave, DataError):
                index.append(self._failed(row, wave))
            else:
                with self._watch.timing("mel"):
                    mel_MF = self._frontend.mel(torch.from_numpy(wave.wave_T)).half().numpy()
                    mels.append((row["track_id"], mel_MF))
                index.append(self._ok(row, wave, mel_MF))
            size_bytes = sum(mel.nbytes for _, mel in mels)
            if len(index) == self._work.file_tracks or size_bytes > PART_BYTES:
                yield self._write(index, numbers=numbers, mels=mels)
                index, numbers, mels = [], [], []
        if index:
            yield self._write(index, numbers=numbers, mels=mels)

    def _write(
        self,
        index: list[dict[str, Any]],
        *,
        numbers: list[int],
        mels: list[tuple[str, NDArray[np.float16]]],
    ) -> Receipt:
        with self._watch.timing("write"):
            self._write_part(index, mels)
            receipt = write_rows(
                index,
                numbers=numbers,
                table_url=join(self._work.root_url, "feature_index"),
                storage=self._work.load.storage,
                schema=FEATURE_INDEX,
                key=self._work.spec.spec_id,
                counted=[True] * len(index),
            )
        return self._watch.onto([receipt])[0]

    def _write_part(
        self, index: list[dict[str, Any]], mels: list[tuple[str, NDArray[np.float16]]]
    ) -> None:
        if not mels:
            return
        part, first_rows = write_part(
            mels,
            spec=self._work.spec,
            root_url=self._work.root_url,
            storage=self._work.load.storage,
        )
        url = join(self._work.root_url, "features", part)
        filesystem, path = self._work.load.storage.arrow_filesystem(url)
        self._watch.written(filesystem.get_file_info(path).size)
        written = [entry for entry in index if entry["status"] == "ok"]
        for entry, first_row in zip(written, first_rows, strict=True):
            entry |= {"part": part, "first_row": first_row}

    def _ok(self, row: dict[str, Any], wave: Wave, mel_MF: NDArray[np.float16]) -> dict[str, Any]:
        num_frames = mel_MF.shape[1]
        return self._facts(row) | {
            "status": "ok",
            "reason": wave.flaw,
            "detail": wave.detail or None,
            "duration_s": wave.duration_s,
            "num_rows": max(1, -(-num_frames // self._work.spec.block_frames)),
            "num_frames": num_frames,
        }

    def _failed(self, row: dict[str, Any], error: DataError) -> dict[str, Any]:
        return self._facts(row) | {
            "status": "failed",
            "reason": str(error.reason),
            "detail": error.detail or None,
        }

    def _facts(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "track_id": row["track_id"],
            "audio_version": row["audio_version"],
            "spec_id": self._work.spec.spec_id,
            "plan_id": self._work.plan_id,
            "run_id": self._work.run_id,
            "made_at": datetime.now(UTC),
        }
