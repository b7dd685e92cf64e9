from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pipeline.consumers.study_formulas import (
    Spread,
    Sums,
    difference_spread,
    effective_tracks,
    false_discovery,
    mean_spread,
    newcombe,
    share_p,
    tail,
    wald_p,
    wilson,
)

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=3, max_size=20)
PS = st.lists(st.floats(1e-9, 1.0) | st.just(math.nan), max_size=30)


def singles(values: list[float], *, before: int = 0, after: int = 0) -> Sums:
    """Clusters of one track each, with empty ones around them."""
    edges = np.zeros(before), np.zeros(after)
    tracks = np.concatenate([edges[0], np.ones(len(values)), edges[1]])
    return Sums(tracks, np.concatenate([edges[0], values, edges[1]]))


def clustered(values: np.ndarray, clusters: np.ndarray) -> Sums:
    tracks = np.bincount(clusters).astype(float)
    return Sums(tracks, np.bincount(clusters, weights=values))


@given(VALUES, VALUES)
def test_with_a_track_a_cluster_the_test_is_that_of_welch(one, other):
    assume(np.ptp(one) > 0.1 or np.ptp(other) > 0.1)
    group = singles(one, after=len(other))
    rest = singles(other, before=len(one))
    spread = difference_spread(group, rest)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert spread.df == pytest.approx(expected.df, rel=1e-6)
    p = wald_p(group.mean - rest.mean, spread=spread)
    assert p == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-12)


@given(VALUES)
def test_the_spread_of_a_mean_is_that_of_its_tracks(values):
    spread = mean_spread(singles(values))
    assert spread.variance == pytest.approx(
        np.var(values, ddof=1) / len(values), rel=1e-9, abs=1e-12
    )
    assert spread.df == len(values) - 1


@given(st.integers(2, 8), st.integers(2, 6), st.integers(0, 10_000))
def test_tracks_that_repeat_their_artist_count_as_one(num_clusters, copies, seed):
    values = np.random.default_rng(seed).normal(size=num_clusters)
    repeated = clustered(np.repeat(values, copies), np.repeat(np.arange(num_clusters), copies))
    assert mean_spread(repeated).variance == pytest.approx(mean_spread(singles(values)).variance)


def test_an_artist_on_both_sides_takes_his_own_level_out_of_the_difference():
    artists = np.repeat(np.arange(10), 4)
    levels = np.random.default_rng(1).normal(size=10)[artists]
    loud = np.tile([1.0, 1.0, 0.0, 0.0], 10)
    values = levels + 0.1 * loud
    sides = []
    for mine in (loud == 1, loud == 0):
        tracks = np.bincount(artists, weights=mine)
        sides.append(Sums(tracks, np.bincount(artists, weights=values * mine)))
    spread = difference_spread(*sides)
    assert spread.variance == pytest.approx(0.0, abs=1e-12)
    assert sides[0].mean - sides[1].mean == pytest.approx(0.1)


@given(st.integers(1, 60), st.data())
def test_an_interval_of_a_share_is_that_of_wilson(tracks, data):
    hits = data.draw(st.integers(0, tracks))
    found = wilson(hits / tracks, number=tracks, df=math.inf, confidence=0.95)
    expected = stats.binomtest(hits, tracks).proportion_ci(0.95, method="wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= found[0] <= hits / tracks <= found[1] <= 1


@given(st.floats(0, 1), st.floats(2, 1e4), st.floats(1, 50))
def test_more_tracks_and_more_artists_make_an_interval_shorter(share, number, df):
    low, high = wilson(share, number=number, df=df, confidence=0.95)
    for closer in (
        wilson(share, number=2 * number, df=df, confidence=0.95),
        wilson(share, number=number, df=2 * df, confidence=0.95),
        wilson(share, number=number, df=df, confidence=0.9),
    ):
        assert closer[1] - closer[0] < high - low


@given(*[st.floats(0, 1)] * 2, *[st.floats(3, 500)] * 2)
def test_a_difference_of_shares_turns_round_with_its_sides(p, r, n, m):
    sides = [(x, *wilson(x, number=k, df=9, confidence=0.95)) for x, k in ((p, n), (r, m))]
    low, high = newcombe(*sides)
    assert -1 - 1e-9 <= low <= p - r <= high <= 1 + 1e-9
    assert newcombe(*sides[::-1]) == pytest.approx((-high, -low))


@given(st.integers(2, 12), st.integers(1, 9), st.integers(0, 10_000))
def test_tracks_of_artists_are_worth_no_more_than_the_tracks(num_clusters, size, seed):
    hits = np.random.default_rng(seed).integers(0, 2, num_clusters * size).astype(float)
    sums = clustered(hits, np.repeat(np.arange(num_clusters), size))
    worth = effective_tracks(sums)
    assert 0 < worth <= num_clusters * size
    alike = clustered(
        np.repeat(hits[:num_clusters], size), np.repeat(np.arange(num_clusters), size)
    )
    assert effective_tracks(alike) <= num_clusters * size / max(1, size - 1)


def test_a_group_without_a_single_hit_is_not_certain_to_have_none():
    none = clustered(np.zeros(40), np.repeat(np.arange(10), 4))
    low, high = wilson(none.mean, number=effective_tracks(none), df=9, confidence=0.95)
    assert low == 0.0
    assert high > 0.25  # ten artists, not forty tracks


def test_shares_without_any_hit_do_not_differ():
    nothing, all_of_them = singles([0.0] * 8, after=8), singles([0.0] * 8, before=8)
    assert share_p(nothing, all_of_them) == 1.0
    few, many = singles([0.0] * 8, after=400), singles([1.0] + [0.0] * 399, before=8)
    assert share_p(few, many) > 0.5


@given(PS)
def test_q_rises_with_p_and_never_lies_below_it(ps):
    qs = false_discovery(ps)
    known = [(p, q) for p, q in zip(ps, qs, strict=True) if not math.isnan(p)]
    assert [math.isnan(q) for q in qs] == [math.isnan(p) for p in ps]
    assert all(p <= q <= 1 for p, q in known)
    in_order = [q for _, q in sorted(known)]
    assert in_order == sorted(in_order)


@given(PS, st.randoms())
def test_q_does_not_depend_on_the_order_of_tests(ps, random):
    places = list(range(len(ps)))
    random.shuffle(places)
    again = false_discovery([ps[i] for i in places])
    expected = [false_discovery(ps)[i] for i in places]
    np.testing.assert_allclose(again, expected)


def test_of_hypotheses_that_are_all_true_few_studies_mark_any():
    rng = np.random.default_rng(0)
    marked = sum(min(false_discovery(rng.uniform(size=40).tolist())) <= 0.05 for _ in range(400))
    assert marked <= 400 * 0.09


def test_a_percentile_goes_further_out_for_few_clusters():
    tails = [
        tail(Spread(1.0, n - 1, math.sqrt(n / (n - 1))), confidence=0.95) for n in (5, 20, 9_999)
    ]
    assert tails == sorted(tails)
    assert tails[0] < 0.002
    assert tails[-1] == pytest.approx(0.025, abs=1e-4)


def test_without_spread_there_is_no_test():
    assert math.isnan(wald_p(0.3, spread=Spread(0.0, 4.0, 1.0)))
