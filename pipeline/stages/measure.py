"""What sampled tracks take on this machine, stage by stage: one process a core, all at once.

The stages run one after the other, so each one's time is its own; all cores work at the same time,
as they do in a job, so what cores take from each other is in it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.audio.decode import Decoder, Wave
from pipeline.audio.frontend import Frontend, FrontendSpec
from pipeline.config import Precision
from pipeline.errors import DataError
from pipeline.forecast import TrackCost
from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger, TrackScores
from pipeline.stages.load import LoadWork
from pipeline.stages.scratch import Scratch, tag_bytes
from pipeline.stages.stopwatch import Stopwatch

LONGEST_START_S = 600.0


@dataclass(frozen=True)
class MeasureWork:
    """What is measured: with `spec` the features of it, else the taggers.

    Attributes:
        load: how audio is read.
        scratch_url: where files are written as a run writes them, and removed.
        spec: a front end.
        bundle_urls: of taggers.
        precision: of their networks.
        file_tracks: tracks in one written file.
        max_s: no new track is begun after this.
    """

    load: LoadWork
    scratch_url: str
    spec: FrontendSpec | None
    bundle_urls: tuple[str, ...]
    precision: Precision
    file_tracks: int
    max_s: float


@dataclass(frozen=True)
class Measured:
    """The outcome of a process, or of all.

    Attributes:
        costs: of the tracks that were reached.
        start_s: until a process could take its first track.
        tag_bytes: rows of the table `tags`, a track.
    """

    costs: tuple[TrackCost, ...]
    start_s: float
    tag_bytes: float


def measure(work: MeasureWork, tracks: Sequence[dict[str, Any]], *, num_processes: int) -> Measured:
    """Measures the tracks in so many processes."""
    context = multiprocessing.get_context("spawn")
    meeting = context.Barrier(num_processes)
    arguments = (work, meeting, time.time())
    try:
        with ProcessPoolExecutor(
            num_processes, mp_context=context, initializer=_begin, initargs=arguments
        ) as pool:
            shares = [tracks[i::num_processes] for i in range(num_processes)]
            parts = list(pool.map(_measure_share, shares))
    finally:
        filesystem, path = work.load.storage.filesystem(work.scratch_url)
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)
    return Measured(
        costs=tuple(cost for part in parts for cost in part.costs),
        start_s=max(part.start_s for part in parts),
        tag_bytes=float(np.mean([part.tag_bytes for part in parts])),
    )


class Probe:
    """One process's worker."""

    def __init__(self, work: MeasureWork) -> None:
        torch.set_num_threads(1)
        self._work = work
        self._storage = work.load.storage
        self._decoder = Decoder(sample_rate=work.load.sample_rate, limits=work.load.decode)
        self._frontend = Frontend(work.spec) if work.spec else None
        self._taggers = [
            Tagger(*read_bundle(url, storage=self._storage), precision=work.precision)
            for url in work.bundle_urls
        ]
        self._mels: list[tuple[str, NDArray[np.float16]]] = []
        self._scores: list[list[TrackScores]] = []

    def measure(self, rows: Sequence[dict[str, Any]], *, start_s: float) -> Measured:
        """The rows' costs; the first row is done twice, to warm up."""
        self.cost(rows[0])
        self._mels.clear()
        self._scores.clear()
        costs: list[TrackCost] = []
        started = time.perf_counter()
        for row in rows:
            if costs and time.perf_counter() - started > self._work.max_s:
                break
            costs.append(self.cost(row))
        write_s, stored_bytes = self._written()
        costs = [
            replace(c, seconds=c.seconds | {"write": write_s}, stored_bytes=stored_bytes)
            for c in costs
        ]
        bundles = [tagger.bundle for tagger in self._taggers]
        return Measured(tuple(costs), start_s, tag_bytes(bundles, scores=self._scores))

    def _written(self) -> tuple[float, float]:
        """Seconds and bytes a track, of files as large as a run's."""
        if not (self._mels or self._scores):
            return 0.0, 0.0
        self._write(1)  # to warm up
        started = time.perf_counter()
        num_bytes = self._write(self._work.file_tracks)
        seconds = time.perf_counter() - started
        return seconds / self._work.file_tracks, num_bytes / self._work.file_tracks

    def _write(self, num_tracks: int) -> int:
        place = Scratch(self._work.scratch_url, storage=self._storage)
        if self._work.spec:
            mels = [self._mels[i % len(self._mels)] for i in range(num_tracks)]
            return place.write_features(mels, spec=self._work.spec)
        scores = [self._scores[i % len(self._scores)] for i in range(num_tracks)]
        return sum(
            place.write_results([of_all[i] for of_all in scores], bundle=tagger.bundle)
            for i, tagger in enumerate(self._taggers)
        )

    def cost(self, row: dict[str, Any]) -> TrackCost:
        """What one track takes until its rows could be written."""
        watch = Stopwatch()
        cpu_s, audio_s, chunks, reason = 0.0, 0.0, 0, ""
        try:
            began = time.process_time()
            with watch.timing("fetch"):
                data = self._storage.fetch(row["uri"], max_bytes=self._work.load.max_bytes)
            cpu_s = time.process_time() - began
            with watch.timing("decode"):
                wave = self._decoder.decode(data)
            chunks = self._compute(row["track_id"], wave, watch=watch)
            audio_s = wave.duration_s
        except DataError as error:
            reason = str(error.reason)
        return TrackCost(row["weight_s"], audio_s, watch.take().seconds, cpu_s, chunks, 0.0, reason)

    def _compute(self, track_id: str, wave: Wave, *, watch: Stopwatch) -> int:
        wave_T = torch.from_numpy(wave.wave_T)
        if self._frontend:
            with watch.timing("mel"):
                mel_MF = self._frontend.mel(wave_T).half().numpy()
            self._mels.append((track_id, mel_MF))
            return 0
        with watch.timing("infer"):
            scores = [tagger.score_wave(wave_T) for tagger in self._taggers]
        self._scores.append(scores)
        return sum(len(of_one.starts_s) for of_one in scores)


_probes: list[tuple[Probe, float]] = []
"""This process's; made once, before the clock of any process runs."""


def _begin(work: MeasureWork, meeting: Barrier, began: float) -> None:
    probe = Probe(work)
    _probes.append((probe, time.time() - began))
    meeting.wait(LONGEST_START_S)


def _measure_share(rows: Sequence[dict[str, Any]]) -> Measured:
    probe, start_s = _probes[0]
    return probe.measure(rows, start_s=start_s)
