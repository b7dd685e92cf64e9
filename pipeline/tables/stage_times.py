"""Where a worker's time went: seconds by stage, and what it moved."""

from __future__ import annotations

from dataclasses import dataclass, field

STAGES = ("fetch", "decode", "read", "mel", "infer", "describe", "write")
"""Kinds of work in the order of the stream; `read` is of stored mels."""
AHEAD = ("fetch", "decode")
"""Those that go on in threads of their own while the worker's thread computes and writes."""
FETCHES_AT_ONCE = 4
"""A worker's fetching threads: four seconds of fetching keep it busy for one."""
WAIT = "wait"
"""No work: the worker's thread had nothing to do until the next wave was there."""


@dataclass(frozen=True)
class StageTimes:
    """What one or more receipts cost.

    Fetching and decoding run beside the arithmetic, so the seconds of a worker may add up to more
    than a clock shows. Decoding is the time until the decoding process has answered.

    Attributes:
        seconds: by stage; see STAGES and WAIT.
        bytes_fetched: audio read from the store.
        bytes_written: files written, before any table refers to them.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    bytes_fetched: int = 0
    bytes_written: int = 0

    def plus(self, other: StageTimes) -> StageTimes:
        """The sum."""
        names = sorted(self.seconds | other.seconds)
        return StageTimes(
            seconds={n: self.seconds.get(n, 0.0) + other.seconds.get(n, 0.0) for n in names},
            bytes_fetched=self.bytes_fetched + other.bytes_fetched,
            bytes_written=self.bytes_written + other.bytes_written,
        )

    @property
    def work(self) -> dict[str, float]:
        """Seconds of each stage that did anything, in the order of the stream."""
        return {name: self.seconds[name] for name in STAGES if self.seconds.get(name)}

    @property
    def wait_s(self) -> float:
        """Seconds for which the arithmetic waited for audio."""
        return self.seconds.get(WAIT, 0.0)
