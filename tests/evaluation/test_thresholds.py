from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import evaluate
from pipeline.evaluation.thresholds import NEVER, Choice, choose
from pipeline.taxonomy import TaskKind


def labelled(scores, targets, *, kind=TaskKind.MULTILABEL) -> Labelled:
    scores_NK = np.array(scores, np.float32)
    ids, tags = ([f"{x}{i}" for i in range(n)] for x, n in zip("tk", scores_NK.shape, strict=True))
    return Labelled(tuple(ids), tuple(tags), kind, scores_NK, np.array(targets, bool))


def one(scores, targets, *, rule="best_f1", at=None) -> Choice:
    return choose(labelled(np.c_[scores], np.c_[targets]), rule=rule, at=at)[0]


@st.composite
def one_tag(draw) -> Labelled:
    num_tracks = draw(st.integers(2, 30))
    levels = st.sampled_from([0.0, 0.125, 0.25, 0.3, 0.5, 0.75, 1.0])
    scores = draw(hnp.arrays(np.float32, (num_tracks, 1), elements=levels.map(np.float32)))
    targets = draw(hnp.arrays(bool, (num_tracks, 1)))
    targets[:2, 0] = [True, False]
    return labelled(scores, targets)


def candidates(tracks: Labelled) -> list[tuple[float, float, float, float]]:
    """Threshold, precision, recall and F1 at every score, by brute force."""
    found = []
    for threshold in np.unique(tracks.scores_NK):
        predicted = tracks.scores_NK >= threshold
        hits, positives = (predicted & tracks.targets_NK).sum(), tracks.targets_NK.sum()
        f1 = 2 * hits / (predicted.sum() + positives)
        found.append((float(threshold), hits / predicted.sum(), hits / positives, f1))
    return found


@given(one_tag(), st.sampled_from(["best_f1", "precision", "recall"]), st.floats(0.05, 1))
@settings(max_examples=60, deadline=None)
def test_a_choice_is_what_its_rule_asks_for(tracks, rule, at):
    (choice,) = choose(tracks, rule=rule, at=None if rule == "best_f1" else at)
    judged = evaluate(tracks.at((choice.threshold,))).tags[0]
    assert judged.precision == pytest.approx(choice.precision)
    assert (judged.recall, judged.f1) == pytest.approx((choice.recall, choice.f1))
    every = candidates(tracks)
    if rule == "best_f1":
        assert choice.f1 == pytest.approx(max(f1 for *_, f1 in every))
    elif rule == "precision":
        reaching = [recall for _, precision, recall, _ in every if precision >= at]
        assert choice.reached == bool(reaching)
        assert choice.recall == pytest.approx(max(reaching, default=0.0))
    else:
        keeping = [threshold for threshold, _, recall, _ in every if recall >= at]
        assert choice.recall >= at
        assert choice.threshold <= max(keeping)
        assert all(
            threshold < choice.threshold for threshold in keeping if threshold < max(keeping)
        )


def test_a_threshold_lies_half_way_to_the_next_lower_score():
    choice = one([0.9, 0.75, 0.25, 0.1], [1, 1, 0, 0])
    assert choice == Choice("k0", 0.5, 1.0, 1.0, 1.0, True, 2)
    assert one([0.9, 0.5], [0, 1]).threshold == 0.25


def test_scores_may_move_by_rounding_errors_without_another_decision():
    generator = np.random.default_rng(0)
    tracks = labelled(generator.random((200, 1)).round(3), generator.random((200, 1)) < 0.4)
    at = tracks.at((choose(tracks, rule="best_f1", at=None)[0].threshold,))
    for noise in (-1e-4, 1e-4):
        moved = labelled(np.clip(at.scores_NK + noise, 0, 1), at.targets_NK).at(at.thresholds_K)
        assert (moved.predictions() == at.predictions()).all()


def test_scores_that_are_neighbours_in_float32_are_kept_apart():
    low = np.float32(0.3)
    for _ in range(2):  # one of the two middles rounds down, the other one up
        high = np.nextafter(low, np.float32(1))
        choice = one([high, low], [1, 0])
        assert low < np.float32(choice.threshold) <= high
        assert choice.precision == 1.0
        low = high


def test_a_threshold_is_the_same_in_float32_and_float64():
    choice = one([0.7, 0.1], [1, 0])
    assert float(np.float32(choice.threshold)) == choice.threshold


def test_precision_may_dip_over_the_lowest_threshold_that_reaches_it():
    choice = one([0.9, 0.8, 0.7, 0.6, 0.2], [0, 1, 1, 1, 0], rule="precision", at=0.75)
    assert choice.threshold == pytest.approx(0.4)
    assert (choice.precision, choice.recall, choice.reached) == (0.75, 1.0, True)


def test_of_equal_f1_the_highest_threshold_is_chosen():
    # 1 of 1 with recall 1/2, and 2 of 4 with recall 1: both have an F1 of 2/3
    choice = one([0.9, 0.8, 0.7, 0.6], [1, 0, 0, 1])
    assert choice.f1 == pytest.approx(2 / 3)
    assert choice.threshold == pytest.approx(0.85)


def test_a_precision_out_of_reach_publishes_nothing():
    choice = one([0.9, 0.1], [0, 1], rule="precision", at=0.9)
    assert choice == Choice("k0", NEVER, None, 0.0, 0.0, False, 1)
    assert not labelled([[1.0]], [[1]]).at((choice.threshold,)).predictions().any()


@pytest.mark.parametrize("targets", [[0, 0], [1, 1]])
@pytest.mark.parametrize(("rule", "at"), [("best_f1", None), ("precision", 0.5), ("recall", 0.5)])
def test_a_tag_that_no_validation_track_has_or_all_is_never_published(targets, rule, at):
    tracks = labelled([[0.9, 0.9], [0.1, 0.1]], np.c_[[1, 0], targets])
    judged, other = choose(tracks, rule=rule, at=at)
    assert judged.reached
    assert other == Choice("k1", NEVER, None, None, None, False, sum(targets))


def test_multiclass_tags_get_thresholds_of_their_own():
    tracks = labelled([[0.6, 0.4], [0.1, 0.9]], [[1, 0], [0, 1]], kind=TaskKind.MULTICLASS)
    assert [choice.threshold for choice in choose(tracks, rule="best_f1", at=None)] == [
        pytest.approx(0.35),
        pytest.approx(0.65),
    ]


def test_tracks_without_any_tag_are_refused():
    with pytest.raises(ValueError, match="none of 2 tracks has any of the tags"):
        one([0.1, 0.2], [0, 0])


@pytest.mark.parametrize(
    ("rule", "at", "message"),
    [
        ("f1", None, "no rule 'f1' for thresholds; known are best_f1, precision, recall"),
        ("best_f1", 0.5, "takes no value, but got 0.5"),
        ("precision", None, "needs a precision over 0 and at most 1, not None"),
        ("recall", 1.5, "needs a recall over 0 and at most 1, not 1.5"),
    ],
)
def test_a_rule_without_its_value_is_refused(rule, at, message):
    with pytest.raises(ValueError, match=message):
        one([0.1, 0.2], [0, 1], rule=rule, at=at)
