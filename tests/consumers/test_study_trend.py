from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.consumers.study_bootstrap import Draws
from pipeline.consumers.study_trend import (
    MAX_YEARS,
    line_slopes,
    median_slopes,
    smoothed,
    trend,
    weighted_median,
    year_points,
)

DRAWS = Draws(seed=0, resamples=200)


def made(*, slope: float, seed: int, artists: int = 40) -> tuple[np.ndarray, ...]:
    """Five tracks of each artist around his time and his own level."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(artists), 5)
    years = np.repeat(rng.integers(1955, 2015, artists), 5) + rng.integers(0, 6, 5 * artists)
    levels = rng.normal(scale=0.1, size=artists)[clusters]
    values = 0.4 + slope * (years - 1985) + levels + rng.normal(scale=0.05, size=len(years))
    return values, years.astype(float), clusters


def found(*, slope: float, seed: int, confidence: float = 0.95):
    values, years, clusters = made(slope=slope, seed=seed)
    return trend(
        values,
        years_N=years,
        clusters_N=clusters,
        draws=DRAWS,
        confidence=confidence,
        slopes=median_slopes,
    )


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), min_size=1, max_size=15))
def test_a_weighted_median_is_that_of_repeated_values(pairs):
    values, weights = np.array(pairs, float).T
    medians = weighted_median(values[None], weights[None])
    repeated = np.repeat(values, weights.astype(int))
    if len(repeated):
        assert medians[0] == np.median(repeated)
    else:
        assert np.isnan(medians[0])


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=20))
def test_with_a_track_a_year_the_slope_is_that_of_theil_and_sen(values):
    years = np.arange(1950.0, 1950 + len(values))
    ones = np.ones((1, len(values)))
    mine = median_slopes(years, ones, np.array(values)[None])[0]
    assert mine == pytest.approx(stats.theilslopes(values, years).slope, abs=1e-9)


@given(st.lists(st.tuples(st.integers(1950, 1960), st.booleans()), min_size=3, max_size=40))
def test_of_shares_the_slope_is_that_of_least_squares(tracks):
    years, hits = np.array(tracks, float).T
    at, points = np.unique(years, return_inverse=True)
    sums = np.bincount(points, weights=hits)[None]
    mine = line_slopes(at, np.bincount(points).astype(float)[None], sums)[0]
    if len(at) > 1:
        assert mine == pytest.approx(np.polyfit(years, hits, 1)[0], abs=1e-8)
    else:
        assert np.isnan(mine)


def test_one_odd_year_does_not_turn_the_slope():
    years = np.arange(1950.0, 1980)
    values = 0.01 * (years - 1950)
    values[3] = 50.0
    ones = np.ones((1, 30))
    assert median_slopes(years, ones, values[None])[0] == pytest.approx(0.01, rel=0.2)


def test_a_trend_is_found_and_none_where_there_is_none():
    rising = found(slope=0.008, seed=1)
    assert rising.low <= 0.08 <= rising.high
    assert rising.low > 0
    assert rising.p < 0.001
    assert (rising.tracks, rising.clusters, rising.years_a_point) == (200, 40, 1)
    flat = found(slope=0.0, seed=2)
    assert flat.low < 0 < flat.high


@pytest.mark.long
def test_the_interval_of_a_slope_covers_it():
    results = [found(slope=0.002, seed=seed) for seed in range(40)]
    hits = sum(one.low <= 0.02 <= one.high for one in results)
    assert hits >= 0.85 * len(results)


def test_the_curve_follows_a_straight_line_and_lies_in_its_band():
    years = np.arange(1950.0, 1990)
    ones, places = np.ones((1, 40)), np.linspace(1950, 1989, 7)
    line = smoothed(places, years, ones, (0.02 * years)[None])[0]
    np.testing.assert_allclose(line, 0.02 * places)
    curve = found(slope=0.004, seed=1).curve
    inside = [a <= b <= c for a, b, c in zip(curve.low, curve.values, curve.high, strict=True)]
    assert np.mean(inside) > 0.95


@given(st.lists(st.integers(800, 2030), min_size=1, max_size=300))
def test_years_become_at_most_sixty_points(years):
    width, points = year_points(np.array(years, float))
    assert points.max() < MAX_YEARS
    for point in set(points.tolist()):
        mine = np.array(years)[points == point]
        assert np.ptp(mine) < width


def test_two_years_are_no_trend():
    values, years, clusters = made(slope=0.0, seed=1)
    two = np.where(years > 1985, 1990.0, 1980.0)
    assert (
        trend(
            values,
            years_N=two,
            clusters_N=clusters,
            draws=DRAWS,
            confidence=0.9,
            slopes=median_slopes,
        )
        is None
    )


def test_the_order_of_tracks_changes_nothing():
    values, years, clusters = made(slope=0.004, seed=3)
    order = np.random.default_rng(0).permutation(len(values))
    one, other = (
        trend(
            values[i],
            years_N=years[i],
            clusters_N=clusters[i],
            draws=DRAWS,
            confidence=0.95,
            slopes=median_slopes,
        )
        for i in (np.arange(len(values)), order)
    )
    assert (one.per_decade, one.low, one.high) == pytest.approx(
        (other.per_decade, other.low, other.high), rel=1e-5
    )
