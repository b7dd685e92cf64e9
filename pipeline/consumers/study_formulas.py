"""Formulas of a study: variances over clusters, intervals of shares, tests, false discoveries.

A cluster is what is drawn whole (an artist, an album, a track). A mean of tracks is a ratio of two
sums over clusters, and so are a share (of ones and zeros) and a mean rank; its variance is the
jackknife's, which leaves out a cluster at a time. Where clusters are few or of unequal size,
plainer ones find differences that are not there (Cameron, Gelbach and Miller 2008, "Bootstrap-based
improvements for inference with clustered errors"; MacKinnon, Nielsen and Webb 2023, J. Applied
Econometrics 38).

Shapes: C clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sums:
    """Tracks and the sum of their values, by cluster.

    Attributes:
        tracks_C: how many; may be 0.
        values_C: sum of their values.
    """

    tracks_C: Floats
    values_C: Floats

    @property
    def tracks(self) -> int:
        """Of all clusters."""
        return int(self.tracks_C.sum())

    @property
    def clusters(self) -> int:
        """Clusters with a track."""
        return int(np.count_nonzero(self.tracks_C))

    @property
    def mean(self) -> float:
        """Of all tracks; NaN of none."""
        tracks = self.tracks_C.sum()
        return float(self.values_C.sum() / tracks) if tracks else math.nan

    def influence(self) -> Floats:
        """What each cluster adds to the mean's error, (C,)."""
        parts_C: Floats = (self.values_C - self.mean * self.tracks_C) / self.tracks_C.sum()
        return parts_C

    def jackknife(self) -> Floats:
        """How much higher the mean is than without each cluster, (C,); of at least two."""
        rises_C: Floats = self.influence() / (1 - self.tracks_C / self.tracks_C.sum())
        return rises_C

    def without(self, others: Sums) -> Sums:
        """The sums of the other tracks."""
        return Sums(self.tracks_C - others.tracks_C, self.values_C - others.values_C)


@dataclass(frozen=True)
class Spread:
    """How far a figure strays.

    Attributes:
        variance: of the figure.
        df: degrees of freedom of that variance.
        inflation: by how much its root is larger than that of a bootstrap.
    """

    variance: float
    df: float
    inflation: float


def mean_spread(sums: Sums) -> Spread:
    """Of the mean of a group with at least two clusters."""
    num = sums.clusters
    variance = (num - 1) / num * float((sums.jackknife() ** 2).sum())
    plain = float((sums.influence() ** 2).sum())
    inflation = math.sqrt(variance / plain if plain > 0 else num / (num - 1))
    return Spread(variance, num - 1, inflation)


def strata(group: Sums, rest: Sums) -> tuple[Flags, Flags]:
    """Clusters that are drawn together: those with a track of the group, and the others (C,).

    A cluster may have tracks on both sides; one that is left alone joins the first ones.
    """
    mine_C = group.tracks_C > 0
    others_C = (rest.tracks_C > 0) & ~mine_C
    if others_C.sum() == 1:
        return mine_C | others_C, np.zeros_like(others_C)
    return mine_C, others_C


def difference_spread(group: Sums, rest: Sums) -> Spread:
    """Of the difference of the two means; degrees of freedom by Satterthwaite (1946)."""
    influence_C = group.influence() - rest.influence()
    jackknife_C = group.jackknife() - rest.jackknife()
    variances, plain, dfs = [], [], []
    for mine_C in strata(group, rest):
        num = int(mine_C.sum())
        if num > 1:
            variances.append((num - 1) / num * _squares(jackknife_C[mine_C]))
            plain.append(_squares(influence_C[mine_C]))
            dfs.append(num - 1)
    variance, bootstrap = sum(variances), sum(plain)
    if not bootstrap > 0:
        return Spread(0.0, float(min(dfs, default=1)), 1.0)
    parts = (v**2 / df for v, df in zip(variances, dfs, strict=True))
    return Spread(variance, variance**2 / sum(parts), math.sqrt(variance / bootstrap))


def _squares(values: Floats) -> float:
    """Of the distances from their mean, summed."""
    return float(((values - values.mean()) ** 2).sum())


def wald_p(difference: float, *, spread: Spread) -> float:
    """Two-sided p of a difference against t with the spread's degrees of freedom; NaN without."""
    if not spread.variance > 0:
        return math.nan
    return float(2 * stats.t.sf(abs(difference) / math.sqrt(spread.variance), spread.df))


def tail(spread: Spread, *, confidence: float) -> float:
    """Which percentile of a bootstrap is an interval's lower end, as a fraction.

    Plain percentiles are too narrow for few clusters. These are expanded until they are as wide as
    the t interval would be (Hesterberg 2015, The American Statistician 69, section 4.2).
    """
    wide = stats.t.ppf(0.5 + confidence / 2, spread.df) * spread.inflation
    return float(stats.norm.sf(wide))


def effective_tracks(sums: Sums) -> float:
    """How many tracks, drawn one by one, would fix the share as well as these clusters do.

    Tracks over the design effect (Kish 1965), never more than the tracks; where all tracks agree,
    no variance says how alike a cluster's tracks are, and each cluster counts once.
    """
    share, num = sums.mean, sums.tracks
    if share in (0.0, 1.0) or sums.clusters < 2 or num < 2:
        return float(sums.clusters)
    effect = mean_spread(sums).variance / (share * (1 - share) / (num - 1))
    return float(num) if effect <= 1 else num / effect


def wilson(share: float, *, number: float, df: float, confidence: float) -> tuple[float, float]:
    """An interval of a share (Wilson 1927) with the quantile of t.

    Args:
        share: 0 to 1.
        number: of tracks that it rests on; see `effective_tracks`.
        df: clusters less one; infinite gives Wilson's own.
        confidence: of the interval.
    """
    square = float(stats.t.ppf(0.5 + confidence / 2, df)) ** 2
    centre = share + square / (2 * number)
    half = math.sqrt(square * (share * (1 - share) / number + square / (4 * number**2)))
    low, high = ((centre + sign * half) / (1 + square / number) for sign in (-1, 1))
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def newcombe(
    group: tuple[float, float, float], rest: tuple[float, float, float]
) -> tuple[float, float]:
    """An interval of a difference of shares from their own (Newcombe 1998, method 10).

    The sides count as independent; an artist with tracks on both makes it too wide, if anything.

    Args:
        group: share, low, high.
        rest: the same.
    """
    (p, p_low, p_high), (r, r_low, r_high) = group, rest
    low = p - r - math.hypot(p - p_low, r_high - r)
    high = p - r + math.hypot(p_high - p, r - r_low)
    return low, high


def share_p(group: Sums, rest: Sums) -> float:
    """Two-sided p of a difference of shares: the score test over effective numbers of tracks."""
    numbers = [effective_tracks(side) for side in (group, rest)]
    tracks = [side.tracks for side in (group, rest)]
    pooled = (group.mean * tracks[0] + rest.mean * tracks[1]) / sum(tracks)
    if not 0 < pooled < 1:
        return 1.0
    variances = [pooled * (1 - pooled) / number for number in numbers]
    dfs = [group.clusters - 1, rest.clusters - 1]
    parts = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    spread = Spread(sum(variances), sum(variances) ** 2 / parts, 1.0)
    return wald_p(group.mean - rest.mean, spread=spread)


def false_discovery(ps: Sequence[float]) -> list[float]:
    """The q of each p (Benjamini and Hochberg 1995), NaN where p is; none is below its p."""
    known = [i for i, p in enumerate(ps) if not math.isnan(p)]
    qs = [math.nan] * len(ps)
    if known:
        found = stats.false_discovery_control([ps[i] for i in known], method="bh")
        for i, q in zip(known, found, strict=True):
            qs[i] = max(float(q), ps[i])
    return qs
