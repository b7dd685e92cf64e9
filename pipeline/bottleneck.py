"""Which stage limits a run: its workers' seconds by stage, shares, waiting and idleness."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.tables.stage_times import AHEAD, FETCHES_AT_ONCE, StageTimes

WORDS = {
    "fetch": "fetching",
    "decode": "decoding",
    "read": "reading features",
    "mel": "the mel",
    "infer": "the network",
    "describe": "describing",
    "write": "writing",
}


@dataclass(frozen=True)
class Bottleneck:
    """A run's stages, over all its workers.

    Attributes:
        times: of the receipts that came.
        tracks: behind them.
        num_workers: actors.
        seconds: from the first unit to the last commit, the workers' start included.
        first_s: until the first receipt came.
        commits: transactions.
        commit_s: seconds that the driver spent in them.
    """

    times: StageTimes = field(default_factory=StageTimes)
    tracks: int = 0
    num_workers: int = 0
    seconds: float = 0.0
    first_s: float = 0.0
    commits: int = 0
    commit_s: float = 0.0

    @property
    def busy(self) -> dict[str, float]:
        """For how long each stage alone would keep a worker busy, seconds."""
        at_once = {"fetch": FETCHES_AT_ONCE}
        return {name: s / at_once.get(name, 1) for name, s in self.times.work.items()}

    @property
    def shares(self) -> dict[str, float]:
        """Of all the stages' seconds; they add up to 1."""
        total = sum(self.busy.values())
        return {name: seconds / total for name, seconds in self.busy.items()}

    @property
    def limit(self) -> str:
        """The stage with the largest share; empty where nothing was measured."""
        return max(self.shares, key=lambda name: self.shares[name], default="")

    @property
    def wait_share(self) -> float:
        """Of the workers' own threads' time: they waited for fetching and decoding."""
        return self.times.wait_s / self._thread_s if self._thread_s else 0.0

    @property
    def idle_share(self) -> float:
        """Of the same time: they had no track at all (start, end, Ray between the units)."""
        own = sum(s for name, s in self.times.work.items() if name not in AHEAD)
        if not self._thread_s:
            return 0.0
        return max(0.0, 1 - (own + self.times.wait_s) / self._thread_s)

    @property
    def _thread_s(self) -> float:
        return self.num_workers * self.seconds

    def lines(self) -> list[str]:
        """For the terminal: a line a stage, the limit in words, the commits."""
        if not self.limit:
            return []
        lines = ["  stage      worker s   share   tracks/s a worker, alone"]
        for name, seconds in self.busy.items():
            lines.append(
                f"  {name:<9}{self.times.seconds[name]:>10,.1f}{self.shares[name]:>8.0%}"
                f"{self.tracks / seconds:>12,.1f}"
            )
        return [
            *lines,
            f"  {WORDS[self.limit]} limits: {self.shares[self.limit]:.0%} of the workers' work; "
            f"they waited {self.wait_share:.0%} of their time for audio and had no track for "
            f"{self.idle_share:.0%}; the first file came after {self.first_s:.0f} s",
            f"  {_megabytes(self.times.bytes_fetched)} fetched, "
            f"{_megabytes(self.times.bytes_written)} written; {self.commits:,} commits in "
            f"{self.commit_s:.2f} s",
        ]

    def metrics(self) -> dict[str, float]:
        """For MLflow and the summary file."""
        if not self.limit:
            return {}
        stages = {f"stage_{name}_s": seconds for name, seconds in self.times.work.items()}
        return stages | {
            "wait_share": self.wait_share,
            "idle_share": self.idle_share,
            "workers": self.num_workers,
            "first_receipt_s": self.first_s,
            "bytes_fetched": self.times.bytes_fetched,
            "bytes_written": self.times.bytes_written,
            "commits": self.commits,
            "commit_s": self.commit_s,
        }


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.1f} MB"
