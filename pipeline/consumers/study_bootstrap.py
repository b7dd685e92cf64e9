"""Bootstrap over clusters: artists or albums are drawn whole, with all their tracks.

Tracks of one artist resemble each other, so drawing tracks would make intervals too short (Field
and Welsh 2007, "Bootstrapping clustered data", JRSS B 69). Clusters of a group and those without a
track of it are drawn apart, each as many as there are, so a group is never empty.

More than 1,000 clusters are dealt at random into 1,000 lots, and lots are drawn (random groups:
Wolter 2007, "Introduction to Variance Estimation", chapter 2): that errs by some 2 % of an
interval's width, and a million tracks cost no more than a thousand.

Shapes: N tracks, C clusters, U lots or clusters that are drawn, R resamples, B bins of values.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.study_formulas import Flags, Floats, Ints, Sums, strata

MAX_UNITS = 1_000
MAX_BINS = 2_048
KEPT_WEIGHTS = 8
GROUP, REST = 0, 1


class Draws:
    """How often each resample draws each of U units: the same for the same seed and U.

    Args:
        seed: of all draws.
        resamples: R.
    """

    def __init__(self, *, seed: int, resamples: int) -> None:
        self.seed, self.resamples = seed, resamples
        self._kept: OrderedDict[tuple[int, int], NDArray[np.float32]] = OrderedDict()

    def weights(self, units: int, *, stream: int) -> NDArray[np.float32]:
        """(R, U) counts; two streams are independent of each other."""
        key = (units, stream)
        if key not in self._kept:
            generator = np.random.default_rng([self.seed, stream, units])
            drawn_RU = generator.integers(units, size=(self.resamples, units))
            drawn_RU += units * np.arange(self.resamples)[:, None]
            counts = np.bincount(drawn_RU.ravel(), minlength=self.resamples * units)
            self._kept[key] = counts.reshape(self.resamples, units).astype(np.float32)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_WEIGHTS:
            self._kept.popitem(last=False)
        return self._kept[key]

    def units(self, clusters: int) -> Ints:
        """Which unit each of C clusters belongs to (C,)."""
        if clusters <= MAX_UNITS:
            return np.arange(clusters)
        order_C = np.random.default_rng([self.seed, clusters]).permutation(clusters)
        lots_C: Ints = order_C % MAX_UNITS
        return lots_C


@dataclass(frozen=True)
class Stratum:
    """Clusters that are drawn together.

    Attributes:
        units_C: the unit of each cluster; -1 of those that do not belong.
        weights_RU: how often each unit is drawn.
    """

    units_C: Ints
    weights_RU: NDArray[np.float32]

    def sums(self, per_cluster_C: Floats) -> Floats:
        """The sum over the drawn clusters (R,)."""
        mine_C = self.units_C >= 0
        num = self.weights_RU.shape[1]
        per_unit_U = np.bincount(self.units_C[mine_C], weights=per_cluster_C[mine_C], minlength=num)
        sums_R: Floats = (self.weights_RU @ per_unit_U.astype(np.float32)).astype(np.float64)
        return sums_R

    def table(
        self, clusters_N: Ints, columns_N: Ints, *, weights_N: Floats | None, num_columns: int
    ) -> Floats:
        """Tracks, or sums of their weights, by column in each resample (R, columns).

        Args:
            clusters_N: of the tracks.
            columns_N: where each is counted.
            weights_N: what each counts; None: one.
            num_columns: how many there are.
        """
        units_N = self.units_C[clusters_N]
        mine_N = units_N >= 0
        num = self.weights_RU.shape[1]
        table = np.bincount(
            units_N[mine_N] * num_columns + columns_N[mine_N],
            weights=None if weights_N is None else weights_N[mine_N],
            minlength=num * num_columns,
        )
        drawn = self.weights_RU @ table.reshape(num, num_columns).astype(np.float32)
        wide: Floats = drawn.astype(np.float64)
        return wide


def stratum(mine_C: Flags, *, draws: Draws, stream: int) -> Stratum:
    """The clusters of a mask, at least one."""
    num = int(mine_C.sum())
    units_C = np.full(len(mine_C), -1, np.intp)
    units_C[mine_C] = draws.units(num)
    return Stratum(units_C, draws.weights(min(num, MAX_UNITS), stream=stream))


def group_strata(group: Sums, rest: Sums, *, draws: Draws) -> tuple[Stratum, ...]:
    """What is drawn for a group and for what is not in it."""
    return tuple(
        stratum(mine_C, draws=draws, stream=stream)
        for mine_C, stream in zip(strata(group, rest), (GROUP, REST), strict=True)
        if mine_C.any()
    )


def resampled_mean(sums: Sums, *, layers: tuple[Stratum, ...]) -> Floats:
    """Means of the resamples (R,).

    Deviations from the mean are summed, so that 32 bits suffice.
    """
    mean = sums.mean
    deviations_C = sums.values_C - mean * sums.tracks_C
    tracks_R = np.sum([layer.sums(sums.tracks_C) for layer in layers], axis=0)
    total_R = np.sum([layer.sums(deviations_C) for layer in layers], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means_R: Floats = mean + total_R / tracks_R
    return means_R


@dataclass(frozen=True)
class Binned:
    """Values in at most 2,048 bins of equal frequency; with fewer distinct ones each has its own.

    Attributes:
        codes_N: the bin of each track.
        values_B: the mean value of each bin, rising.
    """

    codes_N: Ints
    values_B: Floats


def binned(values_N: Floats) -> Binned:
    """Bins of values without NaN."""
    distinct, codes_N = np.unique(values_N, return_inverse=True)
    if len(distinct) <= MAX_BINS:
        return Binned(codes_N, distinct)
    ranks_N = np.empty(len(values_N), np.intp)
    ranks_N[np.argsort(values_N, kind="stable")] = np.arange(len(values_N))
    # Equal values share a bin: that of the first of them.
    first = np.full(len(distinct), len(values_N))
    np.minimum.at(first, codes_N, ranks_N)
    _, codes_N = np.unique(first[codes_N] * MAX_BINS // len(values_N), return_inverse=True)
    counts_B = np.bincount(codes_N)
    return Binned(codes_N, np.bincount(codes_N, weights=values_N) / counts_B)


def resampled_median(bins: Binned, clusters_N: Ints, *, layers: tuple[Stratum, ...]) -> Floats:
    """Medians of the resamples (R,).

    Args:
        bins: of the tracks' values.
        clusters_N: of the tracks.
        layers: what is drawn.
    """
    num_bins = len(bins.values_B)
    counts_RB = np.sum(
        [
            layer.table(clusters_N, bins.codes_N, weights_N=None, num_columns=num_bins)
            for layer in layers
        ],
        axis=0,
    )
    cumulated_RB = np.cumsum(counts_RB, axis=1)
    total_R = cumulated_RB[:, -1:]
    lower = (cumulated_RB > (total_R - 1) // 2).argmax(1)
    upper = (cumulated_RB > total_R // 2).argmax(1)
    medians_R: Floats = (bins.values_B[lower] + bins.values_B[upper]) / 2
    medians_R[total_R[:, 0] == 0] = np.nan
    return medians_R


def ends(values_R: Floats, *, tail: float) -> tuple[float, float]:
    """The percentiles between which an interval lies; resamples without a value do not count."""
    low, high = np.nanquantile(values_R, [tail, 1 - tail])
    return float(low), float(high)
