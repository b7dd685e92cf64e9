"""Live numbers for operators: what Ray's own Prometheus exporter shows of a run.

The driver counts them from receipts as they come: what is counted is what was received, once, also
where Ray runs a unit again; and the workers' own exporters would lose what a killed worker knew.
Ray's exporter puts `ray_` before every name and `_total` after those of counters; each node's
agent shows its own processes' numbers, so these are with the node that the driver runs on.
"""

from __future__ import annotations

from ray.util.metrics import Counter, Gauge, Histogram

from pipeline.tables.receipt import Tally
from pipeline.tables.stage_times import StageTimes

COMMIT_BOUNDARIES_S = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]


class LiveNumbers:
    """The numbers of one run; every one has the label `verb`.

    Args:
        verb: features, tag, ...
        total: tracks that the run has to do.
    """

    def __init__(self, verb: str, *, total: int) -> None:
        self._verb = {"verb": verb}
        self._left = total
        self._uncommitted = 0
        self._make()
        self._show_queues()

    def received(self, tally: Tally, times: StageTimes) -> None:
        """Takes what a receipt adds, and what it cost."""
        self._left -= tally.tracks
        self._uncommitted += tally.tracks
        self._count(self._tracks, tally.ok, status="ok", reason="")
        for reason, tracks in tally.reasons.items():
            self._count(self._tracks, tracks, status="failed", reason=reason)
        self._count(self._audio, tally.audio_s)
        for stage, seconds in times.seconds.items():
            self._count(self._stages, seconds, stage=stage)
        self._count(self._bytes, times.bytes_fetched, direction="fetched")
        self._count(self._bytes, times.bytes_written, direction="written")
        self._show_queues()

    def committed(self, rows: int, *, seconds: float) -> None:
        """Takes a round of commits."""
        self._uncommitted = 0
        self._count(self._rows, rows)
        self._count(self._stages, seconds, stage="commit")
        self._commits.observe(seconds, tags=self._verb)
        self._show_queues()

    def _make(self) -> None:
        verb = ("verb",)
        self._tracks = Counter(
            "earmark_tracks", "Tracks received, by outcome", (*verb, "status", "reason")
        )
        self._audio = Counter(
            "earmark_audio_seconds", "Seconds of audio of tracks that are ok", verb
        )
        self._stages = Counter(
            "earmark_stage_seconds", "Seconds of all workers, and of commits", (*verb, "stage")
        )
        self._bytes = Counter("earmark_bytes", "Bytes fetched and written", (*verb, "direction"))
        self._rows = Counter("earmark_rows_committed", "Rows that readers see", verb)
        self._queue = Gauge("earmark_tracks_left", "Tracks of the run not received yet", verb)
        self._held = Gauge("earmark_tracks_uncommitted", "Tracks received, not committed yet", verb)
        self._commits = Histogram(
            "earmark_commit_seconds", "Duration of commits", COMMIT_BOUNDARIES_S, verb
        )

    def _count(self, counter: Counter, amount: float, **labels: str) -> None:
        if amount > 0:
            counter.inc(amount, tags=self._verb | labels)

    def _show_queues(self) -> None:
        self._queue.set(self._left, tags=self._verb)
        self._held.set(self._uncommitted, tags=self._verb)
