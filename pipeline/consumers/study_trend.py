"""Trends over years: a robust slope, a smoothed curve, and how sure both are.

The slope is the median over pairs of years of what the yearly means change by a year, where a pair
weighs as many pairs of tracks as it has (Sen 1968, JASA 63; weights: Sievers 1978, JASA 73). Of
shares it is that of the least squares: a rare tag has none in most years, so that the median would
be zero whatever happens, and no share can be an outlier. The
curve is a local line with a Gaussian kernel (Cleveland 1979; Fan and Gijbels 1996, "Local
Polynomial Modelling"), weighted by tracks.

Shapes: N tracks, Y years, P pairs of years, G places of the curve, R resamples (1 for the data).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.consumers.study_bootstrap import GROUP, Draws, ends, stratum
from pipeline.consumers.study_formulas import Floats, Ints, Spread, tail, wald_p

MAX_YEARS = 60
LEAST_YEARS = 3
WIDTHS = (1, 2, 5, 10, 20, 25, 50, 100)
CURVE_PLACES = 60
KERNEL_SHARE = 0.1
"""The kernel's standard deviation as a share of the years' span."""
YEARS_A_DECADE = 10.0

Slopes = Callable[[Floats, Floats, Floats], Floats]


@dataclass(frozen=True)
class Curve:
    """A smoothed curve with the band of its pointwise intervals."""

    years: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Trend:
    """How a figure changes with the year.

    Attributes:
        per_decade: the slope times ten years.
        low: lower end of its interval.
        high: upper end.
        p: of a slope of zero, two-sided; NaN without a spread.
        tracks: with a year and a value.
        clusters: that they belong to.
        years_a_point: years that share a mean.
        points: mean year, mean value and tracks of each of these.
        curve: through the points.
    """

    per_decade: float
    low: float
    high: float
    p: float
    tracks: int
    clusters: int
    years_a_point: int
    points: tuple[tuple[float, float, int], ...]
    curve: Curve


def trend(
    values_N: Floats,
    *,
    years_N: Floats,
    clusters_N: Ints,
    draws: Draws,
    confidence: float,
    slopes: Slopes,
) -> Trend | None:
    """The trend of tracks whose value and year are known; None of fewer than three years.

    Args:
        values_N: no NaN.
        years_N: whole numbers.
        clusters_N: at least two different ones.
        draws: of clusters.
        confidence: of the intervals.
        slopes: `median_slopes`, or of zeros and ones `line_slopes`.
    """
    width, points_N = year_points(years_N)
    num_points = int(points_N.max(initial=-1)) + 1
    if num_points < LEAST_YEARS:
        return None
    tracks_Y = np.bincount(points_N).astype(np.float64)
    sums_Y = np.bincount(points_N, weights=values_N).astype(np.float64)
    at_Y = np.bincount(points_N, weights=years_N) / tracks_Y
    drawn_RY, drawn_sums_RY = _drawn(values_N, points_N, clusters_N, draws=draws)
    slope = float(slopes(at_Y, tracks_Y[None], sums_Y[None])[0])
    slopes_R = slopes(at_Y, drawn_RY, drawn_sums_RY)
    num = len(np.unique(clusters_N))
    spread = Spread(
        float(np.nanvar(slopes_R)) * num / (num - 1), num - 1, math.sqrt(num / (num - 1))
    )
    fraction = tail(spread, confidence=confidence)
    low, high = ends(slopes_R, tail=fraction)
    places_G = np.linspace(at_Y[0], at_Y[-1], CURVE_PLACES)
    curve_G = smoothed(places_G, at_Y, tracks_Y[None], sums_Y[None])[0]
    band_RG = smoothed(places_G, at_Y, drawn_RY, drawn_sums_RY)
    low_G, high_G = np.nanquantile(band_RG, [fraction, 1 - fraction], axis=0)
    inside = (float(values_N.min()), float(values_N.max()))
    bounded = (np.clip(line_G, *inside).tolist() for line_G in (curve_G, low_G, high_G))
    return Trend(
        per_decade=YEARS_A_DECADE * slope,
        low=YEARS_A_DECADE * low,
        high=YEARS_A_DECADE * high,
        p=wald_p(slope, spread=spread),
        tracks=len(values_N),
        clusters=num,
        years_a_point=width,
        points=_points(at_Y, tracks_Y, sums_Y),
        curve=Curve(tuple(places_G.tolist()), *map(tuple, bounded)),
    )


def year_points(years_N: Floats) -> tuple[int, Ints]:
    """Years that share a mean, so that there are at most 60 means; and the mean of each track."""
    if not len(years_N):
        return 1, np.empty(0, np.intp)
    for width in WIDTHS:
        found, points_N = np.unique(years_N // width, return_inverse=True)
        if len(found) <= MAX_YEARS:
            break
    return width, points_N


def line_slopes(at_Y: Floats, tracks_RY: Floats, sums_RY: Floats) -> Floats:
    """The change a year by least squares in each resample (R,); as `median_slopes`."""
    tracks_R1 = tracks_RY.sum(1, keepdims=True)
    away_RY = at_Y - (tracks_RY @ at_Y)[:, None] / tracks_R1
    spread_R = (tracks_RY * away_RY**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes_R: Floats = (away_RY * sums_RY).sum(1) / spread_R
    return np.where(spread_R > 0, slopes_R, np.nan)


def median_slopes(at_Y: Floats, tracks_RY: Floats, sums_RY: Floats) -> Floats:
    """The change a year in each resample (R,); NaN where it has one year only.

    Args:
        at_Y: years, rising.
        tracks_RY: of each year.
        sums_RY: of their values.
    """
    with np.errstate(invalid="ignore"):
        means_RY = sums_RY / tracks_RY
    first_P, second_P = np.triu_indices(len(at_Y), 1)
    steps_RP = (means_RY[:, second_P] - means_RY[:, first_P]) / (at_Y[second_P] - at_Y[first_P])
    weights_RP = tracks_RY[:, second_P] * tracks_RY[:, first_P]
    return weighted_median(np.where(weights_RP > 0, steps_RP, np.inf), weights_RP)


def weighted_median(values_RP: Floats, weights_RP: Floats) -> Floats:
    """Medians of rows (R,): of two values that share the middle their mean; NaN without weight."""
    order_RP = np.argsort(values_RP, axis=1, kind="stable")
    sorted_RP = np.take_along_axis(values_RP, order_RP, axis=1)
    cumulated_RP = np.cumsum(np.take_along_axis(weights_RP, order_RP, axis=1), axis=1)
    half_R1 = cumulated_RP[:, -1:] / 2
    lower = (cumulated_RP >= half_R1 * (1 - 1e-12)).argmax(1)
    upper = (cumulated_RP > half_R1 * (1 + 1e-12)).argmax(1)
    rows = np.arange(len(values_RP))
    medians_R: Floats = (sorted_RP[rows, lower] + sorted_RP[rows, upper]) / 2
    return np.where(half_R1[:, 0] > 0, medians_R, np.nan)


def smoothed(places_G: Floats, at_Y: Floats, tracks_RY: Floats, sums_RY: Floats) -> Floats:
    """The local line of each resample at each place (R, G); NaN where nothing fixes it."""
    apart_YG = at_Y[:, None] - places_G[None]
    kernel_YG = np.exp(-0.5 * (apart_YG / (KERNEL_SHARE * (at_Y[-1] - at_Y[0]))) ** 2)
    moments = [tracks_RY @ (kernel_YG * apart_YG**power) for power in (0, 1, 2)]
    sums = [sums_RY @ (kernel_YG * apart_YG**power) for power in (0, 1)]
    below = moments[0] * moments[2] - moments[1] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        lines_RG: Floats = (moments[2] * sums[0] - moments[1] * sums[1]) / below
    return np.where(below > 1e-9 * moments[0] ** 2, lines_RG, np.nan)


def _drawn(
    values_N: Floats, points_N: Ints, clusters_N: Ints, *, draws: Draws
) -> tuple[Floats, Floats]:
    """Tracks and sums of values of each year in each resample, (R, Y) both."""
    _, clusters_N = np.unique(clusters_N, return_inverse=True)
    layer = stratum(np.ones(int(clusters_N.max()) + 1, np.bool_), draws=draws, stream=GROUP)
    num = int(points_N.max()) + 1
    tracks_RY, sums_RY = (
        layer.table(clusters_N, points_N, weights_N=weights_N, num_columns=num)
        for weights_N in (None, values_N)
    )
    return tracks_RY, sums_RY


def _points(at_Y: Floats, tracks_Y: Floats, sums_Y: Floats) -> tuple[tuple[float, float, int], ...]:
    means_Y = (sums_Y / tracks_Y).tolist()
    return tuple(zip(at_Y.tolist(), means_Y, tracks_Y.astype(int).tolist(), strict=True))
