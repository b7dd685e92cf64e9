"""From what a sample of tracks took to what a catalog will take: arithmetic alone.

Everything is a ratio to the sample's length: a track's cost grows with its audio, so the ratio
varies less than the cost of a track. Intervals are percentiles of a bootstrap over the tracks; how
this machine's speed changes from hour to hour is not in them.

Shapes: N tracks of the sample, R rounds of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.tables.stage_times import FETCHES_AT_ONCE

ROUNDS = 2_000
ON_GPU = ("mel", "infer")
GPU = "gpu"


@dataclass(frozen=True)
class TrackCost:
    """What one sampled track took on one core.

    Attributes:
        weight_s: its length as the catalog has it.
        audio_s: decoded; 0 when it failed.
        seconds: by stage; fetching is the time until the file was there.
        fetch_cpu_s: the part of fetching that a core worked.
        chunks: that a network read.
        stored_bytes: of its rows and mels.
        reason: why it failed; empty when it did not.
    """

    weight_s: float
    audio_s: float
    seconds: dict[str, float]
    fetch_cpu_s: float
    chunks: int
    stored_bytes: float
    reason: str


@dataclass(frozen=True)
class Hardware:
    """A cluster, and how its parts compare with what was measured.

    Attributes:
        cores: of all nodes.
        gpus: of all nodes; with any, the mel and the network of `tag` run there.
        gpu_chunks_per_s: of one GPU.
        cpu_speed: a core against one of this machine.
        efficiency: share of the time that is work.
        price_per_hour: of all nodes.
    """

    cores: int
    gpus: int
    gpu_chunks_per_s: float
    cpu_speed: float
    efficiency: float
    price_per_hour: float


@dataclass(frozen=True)
class Range:
    """An estimate with its 95 % interval."""

    middle: float
    low: float
    high: float

    def times(self, factor: float) -> Range:
        """All three scaled."""
        return Range(self.middle * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Forecast:
    """A verb on a cluster.

    Attributes:
        seconds: of the whole catalog without the start of the workers.
        core_s: seconds of this machine's core for a second of decoded audio.
        audio_s: of the whole catalog.
        stored_bytes: rows and mels of the whole catalog.
        limit: the stage that limits, or `gpu`.
        core_shares: of the cores' work, by stage.
    """

    seconds: Range
    core_s: Range
    audio_s: Range
    stored_bytes: Range
    limit: str
    core_shares: dict[str, float]


def forecast(
    costs: Sequence[TrackCost], *, weight_s: float, hardware: Hardware, seed: int
) -> Forecast:
    """Scales a sample to a catalog of `weight_s`.

    Raises:
        ValueError: no sampled track could be decoded.
    """
    draws_RN = np.random.default_rng(seed).integers(0, len(costs), (ROUNDS, len(costs)))
    draws_RN = np.vstack((np.arange(len(costs)), draws_RN))  # the sample itself comes first
    weight_N = np.array([cost.weight_s for cost in costs])
    audio_N = np.array([cost.audio_s for cost in costs])
    if not audio_N.sum() or not weight_N.sum():
        raise ValueError("no track of the sample could be decoded")
    core_N = np.array([sum(_core(cost, hardware=hardware).values()) for cost in costs])
    all_core_N = np.array([sum(_core(cost, hardware=None).values()) for cost in costs])
    slowest_R = np.max(
        [_ratios(per_N, weight_N, draws_RN) for per_N in _lanes(costs, hardware, core_N)], axis=0
    )
    stored_N = np.array([cost.stored_bytes for cost in costs])
    return Forecast(
        seconds=_range(slowest_R).times(weight_s),
        core_s=_range(_ratios(all_core_N, audio_N, draws_RN)),
        audio_s=_range(_ratios(audio_N, weight_N, draws_RN)).times(weight_s),
        stored_bytes=_range(_ratios(stored_N, weight_N, draws_RN)).times(weight_s),
        limit=_limit(costs, hardware),
        core_shares=_shares(costs, hardware),
    )


def _core(cost: TrackCost, *, hardware: Hardware | None) -> dict[str, float]:
    """What a core works for a track, by stage; without hardware: all of it on cores."""
    on_core = {name: s for name, s in cost.seconds.items() if name != "fetch"}
    if hardware and hardware.gpus and "infer" in on_core:
        on_core = {name: s for name, s in on_core.items() if name not in ON_GPU}
    return on_core | {"fetch": cost.fetch_cpu_s}


def _lanes(
    costs: Sequence[TrackCost], hardware: Hardware, core_N: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Seconds of the cluster a track in what goes on side by side: cores, network, GPUs."""
    fetch_N = np.array([cost.seconds.get("fetch", 0.0) for cost in costs])
    lanes = [
        core_N / (hardware.cores * hardware.cpu_speed * hardware.efficiency),
        fetch_N / (hardware.cores * FETCHES_AT_ONCE),
    ]
    if hardware.gpus:
        chunks_N = np.array([cost.chunks for cost in costs], dtype=np.float64)
        rate = hardware.gpus * hardware.gpu_chunks_per_s * hardware.efficiency
        lanes.append(chunks_N / rate)
    return lanes


def _ratios(
    above_N: NDArray[np.float64], below_N: NDArray[np.float64], draws_RN: NDArray[np.int64]
) -> NDArray[np.float64]:
    below_R = np.maximum(below_N[draws_RN].sum(1), 1e-9)
    ratios_R: NDArray[np.float64] = above_N[draws_RN].sum(1) / below_R
    return ratios_R


def _range(values_R: NDArray[np.float64]) -> Range:
    low, high = np.percentile(values_R[1:], (2.5, 97.5))
    return Range(float(values_R[0]), float(low), float(high))


def _shares(costs: Sequence[TrackCost], hardware: Hardware) -> dict[str, float]:
    sums: dict[str, float] = {}
    for cost in costs:
        for name, seconds in _core(cost, hardware=hardware).items():
            sums[name] = sums.get(name, 0.0) + seconds
    total = sum(sums.values())
    return {name: seconds / total for name, seconds in sums.items()} if total else {}


def _limit(costs: Sequence[TrackCost], hardware: Hardware) -> str:
    core_N = np.array([sum(_core(cost, hardware=hardware).values()) for cost in costs])
    shares = _shares(costs, hardware)
    on_cores = max(shares, key=lambda name: shares[name], default="")
    names = [on_cores, "fetch", GPU]
    sums = [float(lane_N.sum()) for lane_N in _lanes(costs, hardware, core_N)]
    return names[sums.index(max(sums))]
