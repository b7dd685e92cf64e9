"""One subject in every group: estimate, interval, difference to the rest, test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from pipeline.consumers.study_bootstrap import (
    GROUP,
    Binned,
    Draws,
    binned,
    ends,
    group_strata,
    resampled_mean,
    resampled_median,
    stratum,
)
from pipeline.consumers.study_columns import Column, Measure
from pipeline.consumers.study_formulas import (
    Floats,
    Ints,
    Sums,
    difference_spread,
    effective_tracks,
    mean_spread,
    newcombe,
    share_p,
    tail,
    wald_p,
    wilson,
)
from pipeline.consumers.study_groups import Grouping, Limits, Standing
from pipeline.consumers.study_row import ALL, NAN, QUANTILES, Row

NORMAL_IQR = 1.349
"""Distance of the quartiles of a normal distribution, in standard deviations."""


class Estimator:
    """A column's figures over a grouping.

    Args:
        column: values of a subject.
        grouping: of the tracks.
        limits: which groups are judged.
        draws: of the bootstrap.
        confidence: of the intervals.
    """

    def __init__(
        self,
        column: Column,
        *,
        grouping: Grouping,
        limits: Limits,
        draws: Draws,
        confidence: float,
    ) -> None:
        self._column, self._grouping, self._limits = column, grouping, limits
        self._draws, self._confidence = draws, confidence
        known_N = grouping.grouped_N & ~np.isnan(column.values_N)
        self._all = np.flatnonzero(known_N)
        self._num_clusters = int(grouping.clusters_N.max(initial=-1)) + 1
        self._values = column.values_N
        self._bins: Binned | None = None
        self._whole = self._sums(self._all, self._values)
        self._scale = self._standard_deviation()
        if column.measure is Measure.MEDIAN and len(self._all):
            self._bins = binned(self._values[self._all])
        if column.measure is not Measure.SHARE and len(self._all):
            self._ranks = np.full(len(self._values), NAN)
            self._ranks[self._all] = stats.rankdata(self._values[self._all]) / len(self._all)
            self._whole_ranks = self._sums(self._all, self._ranks)

    def rows(self) -> Iterator[Row]:
        """The whole, then each group that is judged."""
        if not len(self._all):
            return
        yield self._row(ALL, self._all, sums=self._whole)
        for position, members in self._grouping.members:
            mine = members[~np.isnan(self._values[members])]
            yield self._group_row(self._grouping.groups[position].name, mine)

    def _group_row(self, name: str, mine: Ints) -> Row:
        sums = self._sums(mine, self._values)
        row = self._row(name, mine, sums=sums)
        rest = self._whole.without(sums)
        if row.standing is not Standing.JUDGED:
            return row
        if rest.clusters < self._limits.min_clusters:
            return replace(row, standing=Standing.NO_REST)
        others = self._others(mine)
        figure = self._figure(others, rest)
        row = replace(row, rest=figure, difference=row.estimate - figure)
        row = replace(row, effect=row.difference / self._scale if self._scale > 0 else NAN)
        if self._column.measure is Measure.SHARE:
            return self._compared_shares(row, sums, rest)
        return self._compared(row, sums, rest, mine=mine, others=others)

    def _row(self, name: str, mine: Ints, *, sums: Sums) -> Row:
        """A group by itself."""
        column, values = self._column, self._values[mine]
        standing = self._limits.standing(sums.tracks, clusters=sums.clusters)
        row = Row(
            name,
            column.subject,
            str(column.kind),
            column.taxonomy,
            str(column.measure),
            column.unit,
            sums.tracks,
            sums.clusters,
            estimate=self._figure(mine, sums),
            standing=standing,
        )
        if column.measure is not Measure.SHARE and len(values):
            row = replace(row, quantiles=tuple(np.quantile(values, QUANTILES).tolist()))
        if standing is not Standing.JUDGED:
            return row
        low, high = self._interval(mine, sums)
        return replace(row, low=low, high=high)

    def _figure(self, mine: Ints, sums: Sums) -> float:
        if self._column.measure is not Measure.MEDIAN:
            return sums.mean
        return float(np.median(self._values[mine])) if len(mine) else NAN

    def _interval(self, mine: Ints, sums: Sums) -> tuple[float, float]:
        if self._column.measure is Measure.SHARE:
            return self._wilson(sums)
        layers = (stratum(sums.tracks_C > 0, draws=self._draws, stream=GROUP),)
        spread = mean_spread(sums)
        fraction = tail(spread, confidence=self._confidence)
        if self._bins is None:
            return ends(resampled_mean(sums, layers=layers), tail=fraction)
        bins, clusters = self._binned(mine)
        return ends(resampled_median(bins, clusters, layers=layers), tail=fraction)

    def _wilson(self, sums: Sums) -> tuple[float, float]:
        return wilson(
            sums.mean,
            number=effective_tracks(sums),
            df=sums.clusters - 1,
            confidence=self._confidence,
        )

    def _compared_shares(self, row: Row, sums: Sums, rest: Sums) -> Row:
        low, high = newcombe((row.estimate, row.low, row.high), (rest.mean, *self._wilson(rest)))
        return replace(row, difference_low=low, difference_high=high, p=share_p(sums, rest))

    def _compared(self, row: Row, sums: Sums, rest: Sums, *, mine: Ints, others: Ints) -> Row:
        """Of means or medians; the test is of ranks, and of means both it and theirs must hold.

        Scores are skewed: a small group without one of the few high scores has a low mean and, by
        chance, nearly no variance. Its ranks do not (a rank-sum test over clusters; Datta and
        Satten 2005, JASA 100).
        """
        layers = group_strata(sums, rest, draws=self._draws)
        ranks = self._sums(mine, self._ranks)
        other_ranks = self._whole_ranks.without(ranks)
        rank_spread = difference_spread(ranks, other_ranks)
        rank_difference = ranks.mean - other_ranks.mean
        if self._bins is None:
            sides = [resampled_mean(side, layers=layers) for side in (sums, rest)]
            spread = difference_spread(sums, rest)
        else:
            sides = [
                resampled_median(*self._binned(side), layers=layers) for side in (mine, others)
            ]
            spread = rank_spread
        fraction = tail(spread, confidence=self._confidence)
        low, high = ends(sides[0] - sides[1], tail=fraction)
        p = wald_p(rank_difference, spread=rank_spread)
        if self._bins is None:
            p = max(p, wald_p(row.difference, spread=spread))
        return replace(row, difference_low=low, difference_high=high, p=p)

    def _sums(self, mine: Ints, values: Floats) -> Sums:
        clusters = self._grouping.clusters_N[mine]
        num = self._num_clusters
        tracks_C = np.bincount(clusters, minlength=num).astype(np.float64)
        values_C = np.bincount(clusters, weights=values[mine], minlength=num)
        return Sums(tracks_C, values_C.astype(np.float64))

    def _others(self, mine: Ints) -> Ints:
        """Tracks that are not in the group; only a median has to see each."""
        if self._bins is None:
            return np.empty(0, np.intp)
        keep_N = np.zeros(len(self._values), np.bool_)
        keep_N[self._all] = True
        keep_N[mine] = False
        return np.flatnonzero(keep_N)

    def _binned(self, mine: Ints) -> tuple[Binned, Ints]:
        assert self._bins is not None  # noqa: S101 - of a median
        codes = self._bins.codes_N[np.searchsorted(self._all, mine)]
        return Binned(codes, self._bins.values_B), self._grouping.clusters_N[mine]

    def _standard_deviation(self) -> float:
        """Of all grouped tracks; of a number, robustly from its quartiles."""
        values = self._values[self._all]
        if not len(values):
            return 0.0
        if self._column.measure is Measure.MEDIAN:
            return float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / NORMAL_IQR
        return float(values.std())
