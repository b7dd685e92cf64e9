from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.consumers.study_bootstrap import (
    GROUP,
    MAX_BINS,
    MAX_UNITS,
    REST,
    Binned,
    Draws,
    binned,
    ends,
    group_strata,
    resampled_mean,
    resampled_median,
    stratum,
)
from pipeline.consumers.study_formulas import Sums, mean_spread, tail

DRAWS = Draws(seed=3, resamples=200)


def sums(values: np.ndarray, clusters: np.ndarray, *, num: int | None = None) -> Sums:
    tracks = np.bincount(clusters, minlength=num or 0).astype(float)
    return Sums(tracks, np.bincount(clusters, weights=values, minlength=num or 0))


def whole(num: int, *, draws: Draws = DRAWS):
    return (stratum(np.ones(num, np.bool_), draws=draws, stream=GROUP),)


def interval(values: np.ndarray, clusters: np.ndarray, *, draws: Draws) -> tuple[float, float]:
    found = sums(values, clusters)
    means = resampled_mean(found, layers=whole(len(found.tracks_C), draws=draws))
    return ends(means, tail=tail(mean_spread(found), confidence=0.95))


@given(st.integers(1, 60))
def test_each_resample_draws_as_many_as_there_are(units):
    weights = DRAWS.weights(units, stream=GROUP)
    assert weights.shape == (200, units)
    assert (weights.sum(1) == units).all()
    np.testing.assert_array_equal(
        weights, Draws(seed=3, resamples=200).weights(units, stream=GROUP)
    )


def test_seeds_and_sides_draw_differently():
    one = DRAWS.weights(40, stream=GROUP)
    assert (one != DRAWS.weights(40, stream=REST)).any()
    assert (one != Draws(seed=4, resamples=200).weights(40, stream=GROUP)).any()


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
def test_with_a_track_a_cluster_it_is_the_plain_bootstrap(values):
    values = np.array(values)
    means = resampled_mean(sums(values, np.arange(len(values))), layers=whole(len(values)))
    weights = DRAWS.weights(len(values), stream=GROUP).astype(float)
    plain = np.array([np.repeat(values, row.astype(int)).mean() for row in weights])
    np.testing.assert_allclose(means, plain, atol=1e-4)


def test_plain_percentiles_are_those_of_scipy():
    values = np.random.default_rng(5).gamma(2.0, size=60)
    draws = Draws(seed=0, resamples=6_000)
    means = resampled_mean(sums(values, np.arange(60)), layers=whole(60, draws=draws))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=6_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ends(means, tail=0.025) == pytest.approx((theirs.low, theirs.high), abs=0.05 * width)


@given(st.integers(2, 9), st.integers(0, 1_000))
@settings(max_examples=40)
def test_medians_are_those_of_the_drawn_tracks(num_clusters, seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(num_clusters, size=25)
    clusters[:num_clusters] = np.arange(num_clusters)
    values = rng.integers(0, 12, size=25).astype(float)
    found = resampled_median(binned(values), clusters, layers=whole(num_clusters))
    for r, weights in enumerate(DRAWS.weights(num_clusters, stream=GROUP)):
        drawn = np.repeat(values, weights[clusters].astype(int))
        assert found[r] == np.median(drawn) if len(drawn) else np.isnan(found[r])


def test_bins_keep_medians_of_many_values():
    values = np.random.default_rng(0).lognormal(size=40_000)
    bins = binned(values)
    assert len(bins.values_B) <= MAX_BINS
    assert (np.diff(bins.values_B) > 0).all()
    found = resampled_median(bins, np.arange(40_000) % 50, layers=whole(50))
    assert np.median(found) == pytest.approx(np.median(values), rel=0.01)


def test_equal_values_share_a_bin_also_among_many_others():
    values = np.concatenate([np.full(9_000, 1.5), np.linspace(0, 3, 9_000)])
    bins = binned(values)
    assert len(np.unique(bins.codes_N[:9_000])) == 1


@pytest.mark.long
@pytest.mark.parametrize(("num_clusters", "least"), [(40, 0.9), (12, 0.9), (6, 0.86)])
def test_the_interval_covers_the_truth_of_clustered_tracks(num_clusters, least):
    rng = np.random.default_rng(num_clusters)
    draws = Draws(seed=1, resamples=400)
    hits = plain_hits = 0
    for _ in range(250):
        clusters = np.repeat(np.arange(num_clusters), rng.integers(2, 9, num_clusters))
        values = rng.normal(size=num_clusters)[clusters] + rng.normal(size=len(clusters))
        low, high = interval(values, clusters, draws=draws)
        hits += low <= 0 <= high
        low, high = interval(values, np.arange(len(values)), draws=draws)
        plain_hits += low <= 0 <= high
    assert least <= hits / 250 <= 0.995
    assert plain_hits / 250 < 0.85  # what drawing tracks of the same artists would promise


@pytest.mark.parametrize("order", [1, 2])
def test_the_answer_does_not_depend_on_the_order_of_rows(order):
    rng = np.random.default_rng(order)
    clusters, values = rng.integers(30, size=300), rng.normal(size=300)
    shuffled = rng.permutation(300)
    one = interval(values, clusters, draws=DRAWS)
    assert interval(values[shuffled], clusters[shuffled], draws=DRAWS) == pytest.approx(one)


def test_a_group_and_the_rest_are_drawn_apart_and_a_shared_artist_with_both():
    clusters = np.arange(12)
    group = sums(np.ones(4), clusters[:4], num=12)
    rest = sums(np.ones(9), np.arange(3, 12), num=12)  # cluster 3 is on both sides
    mine, others = group_strata(group, rest, draws=DRAWS)
    assert (mine.units_C >= 0).nonzero()[0].tolist() == [0, 1, 2, 3]
    assert (others.units_C >= 0).nonzero()[0].tolist() == list(range(4, 12))
    assert (mine.sums(group.tracks_C) == 4).all()


def test_lots_of_many_clusters_stray_as_the_clusters_do():
    rng = np.random.default_rng(0)
    num = 20_000
    clusters = np.repeat(np.arange(num), 3)
    values = rng.exponential(size=num)[clusters] + rng.normal(size=3 * num)
    found = sums(values, clusters)
    draws = Draws(seed=2, resamples=1_500)
    layers = whole(num, draws=draws)
    assert layers[0].weights_RU.shape == (1_500, MAX_UNITS)
    spread = resampled_mean(found, layers=layers).std()
    assert spread == pytest.approx(mean_spread(found).variance ** 0.5, rel=0.1)


def test_no_value_of_a_resample_is_left_out_of_the_ends():
    assert ends(np.array([np.nan, 1.0, 2.0, 3.0]), tail=0.0) == (1.0, 3.0)
    assert isinstance(binned(np.array([2.0, 1.0])), Binned)
