"""Estimates of `earmark plan`, kept in the workspace and put beside what a run really took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.storage import Storage, join


@dataclass(frozen=True)
class Estimate:
    """What one worker on one core takes, as measured on a sample.

    Attributes:
        verb: features or tag.
        keys: spec_ids or scoring_ids of the run that is meant.
        core_s: seconds of a core for a second of audio.
        core_s_low: lower end of its 95 % interval.
        core_s_high: upper end.
        start_s: until a worker takes its first track, seconds.
        efficiency: share of the cores' time that is work.
        forecast: the whole catalog on the described cluster, for people and other programs.
    """

    verb: str
    keys: tuple[str, ...]
    core_s: float
    core_s_low: float
    core_s_high: float
    start_s: float
    efficiency: float
    forecast: dict[str, Any] = field(default_factory=dict)

    def seconds(self, audio_s: float, *, num_workers: int) -> tuple[float, float, float]:
        """What `audio_s` take with so many workers, a core each: low, middle, high."""
        low, middle, high = (
            self.start_s + audio_s * core_s / (num_workers * self.efficiency)
            for core_s in (self.core_s_low, self.core_s, self.core_s_high)
        )
        return low, middle, high


def estimate_url(root_url: str, *, verb: str, keys: Sequence[str]) -> str:
    """Where the estimate of a verb under its keys is."""
    name = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]
    return join(root_url, "plans", "estimates", f"{verb}-{name}.json")


def write_estimate(root_url: str, *, storage: Storage, estimate: Estimate) -> str:
    """Writes an estimate over an earlier one; gives its URL."""
    url = estimate_url(root_url, verb=estimate.verb, keys=estimate.keys)
    storage.write(url, json.dumps(asdict(estimate), indent=2).encode())
    return url


def read_estimate(
    root_url: str, *, storage: Storage, verb: str, keys: Sequence[str]
) -> Estimate | None:
    """The estimate of a verb; None where there is none that can be read: it is advice."""
    url = estimate_url(root_url, verb=verb, keys=keys)
    try:
        if not storage.exists(url):
            return None
        facts = json.loads(storage.read(url))
        return Estimate(**facts | {"keys": tuple(facts["keys"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
