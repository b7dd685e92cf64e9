from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.evaluation import bootstrap
from pipeline.evaluation.bootstrap import draws, intervals, paired
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS, evaluate
from pipeline.taxonomy import TaskKind

FIGURES = ("precision", "recall", "f1", "roc_auc", "pr_auc")


def tracks(
    *, separation: float = 1.0, num_tracks: int = 300, num_tags: int = 3, kind=TaskKind.MULTILABEL
) -> Labelled:
    """The same truth and noise whatever the separation of positives and negatives."""
    generator = np.random.default_rng(5)
    noise = generator.normal(size=(num_tracks, num_tags))
    targets = generator.random((num_tracks, num_tags)) < 0.3
    if kind is TaskKind.MULTICLASS:
        targets = np.eye(num_tags, dtype=bool)[generator.integers(num_tags, size=num_tracks)]
    scores = 1 / (1 + np.exp(1 - noise - separation * targets))
    if kind is TaskKind.MULTICLASS:
        scores /= scores.sum(1, keepdims=True)
    ids, tags = (
        tuple(f"{s}{i}" for i in range(n)) for s, n in (("t", num_tracks), ("k", num_tags))
    )
    return Labelled(ids, tags, kind, scores.astype(np.float32), targets)


def compare(before: Labelled, after: Labelled, metric: str = "roc_auc_macro"):
    return paired(before, after, metric=metric, num_resamples=200, seed=0)


@pytest.mark.parametrize("kind", [TaskKind.MULTILABEL, TaskKind.MULTICLASS])
def test_intervals_stand_around_the_figures_of_the_evaluation(kind):
    given = tracks(kind=kind)
    found, whole = intervals(given, num_resamples=200, seed=0), evaluate(given)
    assert set(found) == set(METRICS) | {f"{name}/{tag}" for name in FIGURES for tag in given.tags}
    for name in METRICS:
        assert found[name].value == pytest.approx(whole.summary[name], abs=1e-9)
    for tag in whole.tags:
        assert found[f"pr_auc/{tag.tag}"].value == pytest.approx(tag.pr_auc, abs=1e-9)
    for name in ("accuracy", "f1_macro", "roc_auc_macro", "pr_auc_macro", "roc_auc/k0"):
        assert 0 < found[name].low < found[name].value < found[name].high < 1


def test_the_interval_of_a_share_is_as_wide_as_the_binomial_says():
    found = intervals(tracks(num_tracks=2_000, num_tags=1), num_resamples=1_000, seed=0)["accuracy"]
    expected = 2 * 1.96 * np.sqrt(found.value * (1 - found.value) / 2_000)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_the_seed_decides_and_nothing_else(monkeypatch):
    given = tracks(num_tracks=40)
    first = intervals(given, num_resamples=50, seed=1)
    assert intervals(given, num_resamples=50, seed=2) != first
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 40 * 17)
    again = intervals(given, num_resamples=50, seed=1)
    assert {name: vars(found) for name, found in again.items()} == {
        name: pytest.approx(vars(found), abs=1e-12) for name, found in first.items()
    }


def test_a_resample_draws_as_many_tracks_as_there_are_block_by_block(monkeypatch):
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 100)
    monkeypatch.setattr(bootstrap, "_LEAST_BLOCK", 3)
    blocks = list(draws(30, num_resamples=8, seed=0))
    assert [block.shape for block in blocks] == [(30, 3), (30, 3), (30, 2)]
    assert all((block.sum(0) == 30).all() for block in blocks)


def test_a_tag_that_no_track_has_gets_no_interval():
    given = tracks()
    targets = given.targets_NK.copy()
    targets[:, 1] = False
    found = intervals(replace(given, targets_NK=targets), num_resamples=50, seed=0)
    assert "roc_auc/k1" not in found
    assert "f1/k1" not in found
    assert found["roc_auc_macro"].value == pytest.approx(
        (found["roc_auc/k0"].value + found["roc_auc/k2"].value) / 2
    )


def test_resamples_without_the_only_track_of_a_tag_are_left_out():
    given = tracks(num_tracks=20, num_tags=1)
    only = replace(given, targets_NK=np.eye(20, 1, dtype=bool))
    found = intervals(only, num_resamples=100, seed=0)["roc_auc/k0"]
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_one_track_has_intervals_without_width():
    one = tracks(num_tracks=1)
    accuracy = intervals(one, num_resamples=10, seed=0)["accuracy"]
    assert accuracy.low == accuracy.value == accuracy.high


@pytest.mark.parametrize("metric", METRICS)
def test_a_model_is_never_better_than_itself(metric):
    found = compare(tracks(), tracks(), metric)
    assert found.before == found.after
    assert (found.difference.low, found.difference.high, found.better_fraction) == (0, 0, 0)


@pytest.mark.parametrize("metric", ["roc_auc_macro", "f1_macro", "accuracy", "log_loss"])
def test_a_model_that_tells_tags_better_apart_is_better_in_almost_all_resamples(metric):
    worse, better = tracks(separation=1.0), tracks(separation=2.5)
    found, turned = compare(worse, better, metric), compare(better, worse, metric)
    assert found.better_fraction > 0.99
    assert turned.better_fraction < 0.01
    assert (found.before, found.after) == (turned.after, turned.before)
    assert found.difference.value == pytest.approx(found.after - found.before)
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert (found.difference.low > 0) == METRICS[metric]


def test_pairs_are_surer_than_the_intervals_of_each():
    worse, better = tracks(separation=1.0), tracks(separation=1.2)
    found = compare(worse, better)
    alone = intervals(worse, num_resamples=200, seed=0)["roc_auc_macro"]
    assert found.difference.high - found.difference.low < (alone.high - alone.low) / 3


def test_models_of_other_tracks_tags_or_truth_are_not_compared():
    given = tracks()
    with pytest.raises(ValueError, match="the same tracks in the same order"):
        compare(given, replace(given, track_ids=given.track_ids[::-1]))
    with pytest.raises(ValueError, match="not the same tags: k0, x"):
        compare(given, replace(given, tags=("x", *given.tags[1:])))
    with pytest.raises(ValueError, match="not the same tags: their order"):
        compare(given, replace(given, tags=given.tags[::-1]))
    with pytest.raises(ValueError, match="different labels"):
        compare(given, replace(given, targets_NK=~given.targets_NK))
    single = tracks(kind=TaskKind.MULTICLASS)
    with pytest.raises(ValueError, match="multilabel model and a multiclass one"):
        compare(replace(single, kind=TaskKind.MULTILABEL), single)


def test_an_unknown_or_undefined_metric_is_refused():
    given = tracks()
    with pytest.raises(ValueError, match="no metric 'f2'"):
        compare(given, given, "f2")
    untagged = replace(given, targets_NK=np.zeros_like(given.targets_NK))
    with pytest.raises(ValueError, match="f1_macro is not defined for these 300 tracks"):
        compare(untagged, untagged, "f1_macro")
