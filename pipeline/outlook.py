"""What `earmark plan` says of one verb: measured stages, hours, bytes, cost and what limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bottleneck import WORDS
from pipeline.forecast import GPU, Forecast, Hardware, Range, TrackCost
from pipeline.progress import duration
from pipeline.tables.sample import Totals


@dataclass(frozen=True)
class Outlook:
    """One verb: what was measured, and what follows for the cluster.

    Attributes:
        verb: features or tag.
        what: the front end or the models.
        totals: of the catalog.
        costs: of the sampled tracks.
        forecast: for all tracks.
        hardware: the cluster.
        start_s: until the workers take their first track.
        num_files: that the run writes.
        tag_bytes: of the table `tags` after `publish`, all tracks.
        url: where the estimate is kept.
    """

    verb: str
    what: str
    totals: Totals
    costs: tuple[TrackCost, ...]
    forecast: Forecast
    hardware: Hardware
    start_s: float
    num_files: int
    tag_bytes: float
    url: str

    @property
    def seconds(self) -> Range:
        """Of the run, the workers' start included."""
        run = self.forecast.seconds
        return Range(*(self.start_s + s for s in (run.middle, run.low, run.high)))

    def lines(self) -> list[str]:
        """For the terminal."""
        return [
            f"{self.verb} ({self.what}), {len(self.costs)} tracks measured",
            "  stage      ms a track   tracks/s a core   x real time",
            *self._stage_lines(),
            *self._failed_lines(),
            f"  all {self.totals.num_tracks:,} tracks, {_hours(self.forecast.audio_s)} of audio: "
            f"{_time(self.seconds)}{self._cost()}",
            f"  {_words(self.forecast)} on {self.hardware.cores} cores, {self.hardware.gpus} GPUs",
            f"  reads {_size(self.totals.size_bytes)}, stores "
            f"{_size(self.forecast.stored_bytes.middle)} in {self.num_files:,} files{self._tags()}",
            f"  kept in {self.url}",
        ]

    def _stage_lines(self) -> list[str]:
        audio_s = sum(cost.audio_s for cost in self.costs)
        names = list(dict.fromkeys(name for cost in self.costs for name in cost.seconds))
        sums = {name: sum(cost.seconds.get(name, 0.0) for cost in self.costs) for name in names}
        return [
            f"  {name:<9}{seconds / len(self.costs) * 1e3:>12,.2f}"
            f"{len(self.costs) / seconds:>18,.1f}{audio_s / seconds:>14,.0f}"
            for name, seconds in sums.items()
            if seconds
        ]

    def _failed_lines(self) -> list[str]:
        reasons = Counter(cost.reason for cost in self.costs if cost.reason)
        listed = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        return [f"  of the sample failed {reasons.total()}: {listed}"] if reasons else []

    def _cost(self) -> str:
        if not self.hardware.price_per_hour:
            return ""
        low, middle, high = (
            s / 3600 * self.hardware.price_per_hour
            for s in (self.seconds.low, self.seconds.middle, self.seconds.high)
        )
        return f"; cost {middle:,.2f} ({low:,.2f} to {high:,.2f})"

    def _tags(self) -> str:
        return f"; published about {_size(self.tag_bytes)} of tags" if self.tag_bytes else ""

    def facts(self) -> dict[str, Any]:
        """For the estimate's file."""
        names = ("verb", "what", "start_s", "num_files", "tag_bytes")
        facts = {name: getattr(self, name) for name in names} | {"num_sampled": len(self.costs)}
        return facts | {
            "seconds": asdict(self.seconds),
            "cost": self.seconds.middle / 3600 * self.hardware.price_per_hour,
            "totals": asdict(self.totals),
            "hardware": asdict(self.hardware),
            "forecast": asdict(self.forecast),
        }


def _words(found: Forecast) -> str:
    """The stage that limits, with its share of the cores' work."""
    if found.limit == GPU:
        return "the GPUs limit: more cores would not help"
    share = found.core_shares.get(found.limit, 0.0)
    return f"{WORDS[found.limit]} limits: {share:.0%} of the cores' work"


def _time(seconds: Range) -> str:
    return f"{duration(seconds.middle)} ({duration(seconds.low)} to {duration(seconds.high)})"


def _hours(seconds: Range) -> str:
    low, middle, high = (s / 3600 for s in (seconds.low, seconds.middle, seconds.high))
    return f"{middle:,.2f} h ({low:,.2f} to {high:,.2f})"


def _size(num_bytes: float) -> str:
    """For example 3.2 GB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes / 1e6:,.1f} MB"
