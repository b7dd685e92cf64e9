"""Audio, or stored mels, to ledger rows: load > mel > chunks > scores > average > write > receipt.

Several taggers are fed from one decode pass; each track is scored by those that do not have it yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from pipeline.audio.decode import Wave
from pipeline.audio.frontend import FrontendSpec
from pipeline.config import Precision
from pipeline.errors import DataError, Reason
from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger, TrackScores
from pipeline.schemas import RESULTS
from pipeline.stages.load import Loader, LoadWork
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import Storage, join
from pipeline.tables.features import FeatureReader
from pipeline.tables.pending import Pending, PendingReader
from pipeline.tables.receipt import Receipt, write_rows
from pipeline.tables.results import failed_row, ok_row


@dataclass(frozen=True)
class ScoringWork:
    """One scoring of the run."""

    scoring_id: str
    plan_id: str
    bundle_url: str
    model_version: str


@dataclass(frozen=True)
class ScoreWork:
    """What a scoring actor needs. `load` or `spec` says what is read: audio or features."""

    root_url: str
    storage: Storage
    pending: Pending
    scorings: tuple[ScoringWork, ...]
    run_id: str
    file_tracks: int
    precision: Precision
    device: str
    load: LoadWork | None
    spec: FrontendSpec | None


@dataclass(frozen=True)
class Mel:
    """A track's stored mel with what the feature index says of it."""

    mel_MF: NDArray[np.float32]
    duration_s: float
    flaw: Reason | None
    detail: str


class ScoreTracks:
    """In: a slice of the pending file.

    Out: receipts.
    Fan-out: one file and one receipt for every `file_tracks` tracks and scoring.
    Rejects: a track that cannot be read is a row with status failed and a reason.
    """

    def __init__(self, work: ScoreWork) -> None:
        torch.set_num_threads(1)
        torch.backends.cudnn.allow_tf32 = False  # 10 bits of mantissa: not the scores promised
        self._work = work
        self._pending = PendingReader(work.pending, storage=work.storage)
        self._watch = Stopwatch()
        self._source = _source(work, watch=self._watch)
        self._taggers = [
            Tagger(
                *read_bundle(scoring.bundle_url, storage=work.storage),
                device=work.device,
                precision=work.precision,
            )
            for scoring in work.scorings
        ]

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields receipts as files are written."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            rows = self._pending.rows(start, stop)
            for first in range(0, len(rows), self._work.file_tracks):
                receipts = self._score(rows[first : first + self._work.file_tracks])
                yield pa.table({"receipt": [receipt.to_json() for receipt in receipts]})

    def _score(self, rows: list[dict[str, Any]]) -> list[Receipt]:
        results: list[list[dict[str, Any]]] = [[] for _ in self._taggers]
        numbers: list[list[int]] = [[] for _ in self._taggers]
        counted: list[list[bool]] = [[] for _ in self._taggers]
        for row, signal in self._source.signals(rows):
            for i in row["todo"]:
                counted[i].append(i == min(row["todo"]))
                results[i].append(self._result(i, row, signal))
                numbers[i].append(row["row"])
        with self._watch.timing("write"):
            receipts = [
                write_rows(
                    results[i],
                    numbers=numbers[i],
                    table_url=join(self._work.root_url, "results"),
                    storage=self._work.storage,
                    schema=RESULTS,
                    key=scoring.scoring_id,
                    counted=counted[i],
                )
                for i, scoring in enumerate(self._work.scorings)
                if results[i]
            ]
        return self._watch.onto(receipts)

    def _result(
        self, i: int, row: dict[str, Any], signal: Wave | Mel | DataError
    ) -> dict[str, Any]:
        scoring = self._work.scorings[i]
        facts = {
            "track_id": row["track_id"],
            "audio_version": row["audio_version"],
            "scoring_id": scoring.scoring_id,
            "model_version": scoring.model_version,
            "plan_id": scoring.plan_id,
            "run_id": self._work.run_id,
        }
        now = datetime.now(UTC)
        if isinstance(signal, DataError):
            return failed_row(facts, error=signal, tagged_at=now)
        with self._watch.timing("infer"):
            scores = _scores(self._taggers[i], signal)
        return ok_row(
            facts,
            duration_s=signal.duration_s,
            num_chunks=len(scores.starts_s),
            scores_K=scores.mean_scores(),
            embedding_E=None if self._taggers[i].bundle.base else scores.mean_embedding(),
            flaw=signal.flaw,
            detail=signal.detail,
            tagged_at=now,
        )


class AudioSource:
    """Waves of the rows' tracks."""

    def __init__(self, load: LoadWork, *, watch: Stopwatch) -> None:
        self._loader = Loader(load, watch=watch)

    def signals(
        self, rows: Iterable[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], Wave | DataError]]:
        """In the rows' order."""
        return self._loader.waves(rows)


class FeatureSource:
    """Stored mels of the rows' tracks; a track that failed in `features` fails here alike."""

    def __init__(
        self, root_url: str, *, storage: Storage, spec: FrontendSpec, watch: Stopwatch
    ) -> None:
        self._reader = FeatureReader(root_url, storage=storage, spec=spec)
        self._watch = watch

    def signals(
        self, rows: Iterable[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], Mel | DataError]]:
        """In the rows' order."""
        for row in rows:
            detail = row["detail"] or ""
            if row["status"] == "failed":
                yield row, DataError(Reason(row["reason"]), detail)
                continue
            flaw = Reason(row["reason"]) if row["reason"] else None
            with self._watch.timing("read"):
                mel_MF = self._reader.mel(
                    part=row["part"],
                    first_row=row["first_row"],
                    num_rows=row["num_rows"],
                    num_frames=row["num_frames"],
                )
            yield row, Mel(mel_MF, row["duration_s"], flaw, detail)


def _source(work: ScoreWork, *, watch: Stopwatch) -> AudioSource | FeatureSource:
    if work.load is not None:
        return AudioSource(work.load, watch=watch)
    if work.spec is None:
        raise ValueError("a scoring work reads audio or features; neither is given")
    return FeatureSource(work.root_url, storage=work.storage, spec=work.spec, watch=watch)


def _scores(tagger: Tagger, signal: Wave | Mel) -> TrackScores:
    if isinstance(signal, Wave):
        return tagger.score_wave(torch.from_numpy(signal.wave_T))
    return tagger.score_mel(torch.from_numpy(signal.mel_MF))
