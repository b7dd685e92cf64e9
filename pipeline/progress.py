"""What a long job says while it works, and at its end."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field

from pipeline.bottleneck import Bottleneck
from pipeline.tables.receipt import Tally

TERMINAL_INTERVAL_S = 0.5
LOG_INTERVAL_S = 10.0


@dataclass
class Line:
    """A line that is printed as work goes on: over itself on a terminal, now and then in a log."""

    _last: float = 0.0

    def due(self) -> bool:
        """Whether it is time for another line."""
        interval = TERMINAL_INTERVAL_S if sys.stderr.isatty() else LOG_INTERVAL_S
        return time.monotonic() - self._last >= interval

    def show(self, text: str, *, end: bool) -> None:
        """Prints the line; `end` says that no other will follow over it."""
        self._last = time.monotonic()
        stays = end or not sys.stderr.isatty()
        text = f"\x1b[2K{text}" if sys.stderr.isatty() else text  # no rest of a longer line
        print(text, end="\n" if stays else "\r", file=sys.stderr, flush=True)


@dataclass
class Counter:
    """Progress of work that is counted: `catalog: 1,200 of 5,000 headers`."""

    verb: str
    unit: str
    _line: Line = field(default_factory=Line)

    def __call__(self, done: int, total: int) -> None:
        """Takes the count so far."""
        if total and (done == total or self._line.due()):
            text = f"{self.verb}: {done:,} of {total:,} {self.unit}"
            self._line.show(text, end=done == total)


@dataclass
class Progress:
    """Progress of a ledgered run: tracks done, failed, rates, time left.

    Attributes:
        total: tracks of this run.
        verb: what is done to them, for the line.
        audio_s: of these tracks as their headers say; infinite where that is not known. Time left
            is reckoned by it too, since the longest tracks come first.
    """

    total: int
    verb: str
    audio_s: float = math.inf
    started: float = field(default_factory=time.monotonic)
    _line: Line = field(default_factory=Line)
    _ended: bool = False

    def __call__(self, tally: Tally) -> None:
        """Takes the tally so far."""
        done = tally.tracks >= self.total
        if (done and not self._ended) or self._line.due():
            self._ended = done
            text = self.line(tally, seconds=time.monotonic() - self.started)
            self._line.show(text, end=done)

    def line(self, tally: Tally, *, seconds: float) -> str:
        """For example `tag: 120 of 200 tracks, 2 failed, 1.9 tracks/s, ...`."""
        rate = tally.tracks / max(seconds, 1e-9)
        done = max(
            tally.tracks / self.total, tally.audio_s / max(self.audio_s, tally.audio_s, 1e-9)
        )
        left = seconds * (1 - done) / done if done else 0.0
        return (
            f"{self.verb}: {tally.tracks:,} of {self.total:,} tracks, "
            f"{tally.failed:,} failed, {rate:.1f} tracks/s, "
            f"{tally.audio_s / max(seconds, 1e-9):.0f}x real time, {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True)
class Summary:
    """The end of a run.

    Attributes:
        verb: features or tag.
        tracks: in the plan.
        planned: rows that they shall have: one a track and scoring.
        already: rows that earlier runs had committed.
        tally: this run's work.
        committed: rows that this run committed.
        seconds: from the first unit to the last commit.
        plans: plan_id by key.
        bottleneck: where the workers' time went.
        estimate: what `earmark plan` foretold beside what it took; empty where it did not.
    """

    verb: str
    tracks: int
    planned: int
    already: int
    tally: Tally
    committed: int
    seconds: float
    plans: dict[str, str]
    bottleneck: Bottleneck = field(default_factory=Bottleneck)
    estimate: str = ""

    @property
    def speed(self) -> float:
        """Seconds of audio a second."""
        return self.tally.audio_s / self.seconds if self.seconds else 0.0

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [
            f"{self.verb}: {self.tracks:,} tracks, {self.planned:,} rows planned, "
            f"{self.already:,} rows were there, "
            f"{self.committed:,} rows committed now",
        ]
        if self.tally.tracks:
            lines.append(
                f"  {self.tally.tracks:,} tracks ({self.tally.audio_s / 3600:.2f} h of audio) in "
                f"{duration(self.seconds)}: {self.tally.tracks / self.seconds:.1f} tracks/s, "
                f"{self.speed:.0f}x real time"
            )
            lines.append(
                f"  ok {self.tally.ok:,}, of them flagged {self.tally.flagged:,}; "
                f"failed {self.tally.failed:,}"
            )
        lines += [f"    {reason}: {count:,}" for reason, count in self.tally.reasons.items()]
        lines += self.bottleneck.lines()
        return [*lines, f"  {self.estimate}"] if self.estimate else lines

    def metrics(self) -> dict[str, float]:
        """For MLflow."""
        numbers = {
            "planned": self.planned,
            "already": self.already,
            "committed": self.committed,
            "tracks": self.tally.tracks,
            "ok": self.tally.ok,
            "flagged": self.tally.flagged,
            "failed": self.tally.failed,
            "audio_hours": self.tally.audio_s / 3600,
            "seconds": self.seconds,
            "times_real_time": self.speed,
        }
        numbers |= {f"failed_{reason}": n for reason, n in self.tally.reasons.items()}
        return numbers | self.bottleneck.metrics()

    def facts(self) -> dict[str, object]:
        """For the run's summary file."""
        facts: dict[str, object] = {**self.metrics(), "verb": self.verb, "plans": self.plans}
        return facts | {"limit": self.bottleneck.limit, "estimate": self.estimate}
