from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import TableError
from pipeline.evaluation.bootstrap import Interval, Paired
from pipeline.evaluation.judgement import Outcome, decide, judge_candidate
from pipeline.evaluation.labelled import Labelled
from pipeline.taxonomy import TaskKind

NUM_TRACKS = 60
TAGS = ("test---a", "test---b")


def labelled(*, noise: float, seed: int = 1, num_tracks: int = NUM_TRACKS) -> Labelled:
    targets_NK = np.random.default_rng(0).random((num_tracks, 2)) < 0.5
    drawn_NK = np.random.default_rng(seed).random((num_tracks, 2))
    scores_NK = (1 - noise) * targets_NK + noise * drawn_NK
    return Labelled(
        track_ids=tuple(f"t{i:03d}" for i in range(num_tracks)),
        tags=TAGS,
        kind=TaskKind.MULTILABEL,
        scores_NK=scores_NK.astype(np.float32),
        targets_NK=targets_NK,
    )


def judged(candidate, champion, *, metric="roc_auc_macro", confidence=0.95):
    return judge_candidate(
        candidate,
        champion=champion,
        metric=metric,
        confidence=confidence,
        num_resamples=200,
        seed=0,
    )


@pytest.mark.parametrize("metric", ["roc_auc_macro", "f1_macro", "accuracy", "log_loss"])
def test_a_clearly_better_model_is_promoted_and_a_clearly_worse_one_is_not(metric):
    good, bad = labelled(noise=0.55), labelled(noise=1.0)
    assert judged(good, bad, metric=metric).outcome is Outcome.PROMOTED
    assert judged(bad, good, metric=metric).outcome is Outcome.KEPT


def test_a_model_is_not_better_than_itself():
    same = labelled(noise=0.8)
    judgement = judged(same, same)
    assert judgement.outcome is Outcome.KEPT
    assert judgement.comparison.difference.value == 0


def test_the_first_model_needs_to_be_judged_and_no_more():
    judgement = judged(labelled(noise=1.0), None)
    assert judgement.outcome is Outcome.FIRST
    assert judgement.metrics()["roc_auc_macro"] == judgement.figures["roc_auc_macro"]
    assert f"{judgement.figures['roc_auc_macro']:.3f}" in judgement.lines()[0]


@pytest.mark.parametrize(
    ("metric", "value", "better_fraction", "outcome"),
    [
        ("accuracy", 0.1, 0.95, Outcome.PROMOTED),
        ("accuracy", 0.1, 0.94, Outcome.KEPT),
        ("accuracy", -0.1, 0.99, Outcome.KEPT),
        ("accuracy", 0.0, 0.99, Outcome.KEPT),
        ("log_loss", -0.1, 0.95, Outcome.PROMOTED),
        ("log_loss", 0.1, 0.95, Outcome.KEPT),
    ],
)
def test_the_figure_and_the_resamples_must_both_say_better(metric, value, better_fraction, outcome):
    interval = Interval(value, value - 0.05, value + 0.05)
    comparison = Paired(metric, 0.5, 0.5 + value, interval, better_fraction)
    assert decide(comparison, confidence=0.95) is outcome


def test_tracks_that_only_one_model_has_are_left_out():
    more, fewer = labelled(noise=0.6, num_tracks=NUM_TRACKS), labelled(noise=0.6, num_tracks=40)
    fewer = Labelled(
        track_ids=more.track_ids[:40],
        tags=TAGS,
        kind=more.kind,
        scores_NK=fewer.scores_NK,
        targets_NK=more.targets_NK[:40],
    )
    assert judged(more, fewer).num_tracks == judged(fewer, more).num_tracks == 40


def test_tracks_that_do_not_define_the_metric_are_refused():
    base = labelled(noise=0.5)
    nothing = Labelled(
        base.track_ids, base.tags, base.kind, base.scores_NK, np.zeros_like(base.targets_NK)
    )
    with pytest.raises(TableError, match="roc_auc_macro is not defined for the 60 labelled tracks"):
        judged(nothing, None)


def test_what_was_compared_is_said_in_full():
    judgement = judged(labelled(noise=0.55), labelled(noise=1.0))
    text = "\n".join(judgement.lines())
    for part in ("roc_auc_macro on 60 tracks", "95 % interval", "of the resamples", "95.0%"):
        assert part in text
    assert judgement.metrics()["difference"] == judgement.comparison.difference.value
