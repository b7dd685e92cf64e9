"""A head from examples: what is expected of it holds on tracks that it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.consumers.teach import (
    examples,
    expected_precision,
    from_threshold,
    learn,
    to_ask,
)
from pipeline.errors import UserError
from pipeline.models.taught import head_scores

NUM_VALUES = 24


def world(seed: int, *, num_tracks: int, share: float = 0.2, distance: float = 3.0):
    """Embeddings of tracks that have a tag (the first ones) and have it not."""
    draw = np.random.default_rng(seed)
    has_tag_N = np.arange(num_tracks) < round(share * num_tracks)
    direction_E = np.random.default_rng(99).normal(size=NUM_VALUES)
    direction_E *= distance / np.linalg.norm(direction_E)
    embeddings_NE = draw.normal(size=(num_tracks, NUM_VALUES)) + np.outer(has_tag_N, direction_E)
    return (10 * embeddings_NE + 4).astype(np.float32), has_tag_N


def given_examples(seed: int, *, num_positive: int, num_drawn: int = 200):
    embeddings_NE, has_tag_N = world(seed, num_tracks=2 * (num_positive * 5 + num_drawn))
    positive_NE = embeddings_NE[has_tag_N][:num_positive]
    drawn_NE = embeddings_NE[~has_tag_N][:num_drawn]
    nothing = np.empty((0, NUM_VALUES), np.float32)
    groups = [f"artist{i}" for i in range(num_positive + num_drawn)]
    return examples(positive_NE, nothing, drawn_NE, groups=groups)


@pytest.mark.parametrize("num_positive", [10, 40])
def test_what_is_expected_comes_true_on_other_tracks(num_positive):
    share = 0.2
    lesson = learn(given_examples(1, num_positive=num_positive), precision=0.9, share=share, seed=1)
    embeddings_NE, has_tag_N = world(2, num_tracks=5_000, share=share)
    scores_N = head_scores(
        embeddings_NE, weight_KE=lesson.weight_E[None], bias_K=np.array([lesson.bias])
    )[:, 0]
    over_N = scores_N >= lesson.threshold
    assert lesson.reached
    assert has_tag_N[over_N].mean() > 0.85
    assert abs(over_N[has_tag_N].mean() - lesson.recall) < 0.2
    assert lesson.recall >= 0.5


def test_the_same_examples_teach_the_same_and_their_number_counts():
    few, again, many = (
        learn(given_examples(3, num_positive=number), precision=0.9, share=0.1, seed=1)
        for number in (5, 5, 60)
    )
    assert np.array_equal(few.weight_E, again.weight_E)
    assert replace(few, weight_E=None) == replace(again, weight_E=None)
    assert many.average_precision >= 0.95


def test_explicit_negatives_weigh_more_and_both_sides_weigh_alike():
    ones = np.ones((4, NUM_VALUES), np.float32)
    made = examples(ones, ones[:2], ones[:3], groups=list("abcdefghi"))
    assert made.weights_N[made.has_tag_N].sum() == pytest.approx(made.weights_N[4:].sum())
    assert made.weights_N[4] == pytest.approx(5 * made.weights_N[6])


def test_examples_that_cannot_teach_are_refused():
    one = np.ones((3, NUM_VALUES), np.float32)
    none = np.empty((0, NUM_VALUES), np.float32)
    with pytest.raises(UserError, match="at least 3 are needed"):
        examples(one[:2], none, one, groups=list("abcde"))
    with pytest.raises(UserError, match="no other track"):
        examples(one, none, none, groups=list("abc"))
    with pytest.raises(UserError, match="of one artist"):
        examples(one, none, one, groups=["a", "a", "a", "b", "c", "d"])


def test_noise_is_said_not_to_reach_the_precision():
    draw = np.random.default_rng(5)
    noise = draw.normal(size=(220, NUM_VALUES)).astype(np.float32)
    groups = [str(i) for i in range(220)]
    lesson = learn(
        examples(noise[:20], noise[:0], noise[20:], groups=groups),
        precision=0.99,
        share=0.05,
        seed=1,
    )
    assert lesson.precision < 0.99 or lesson.recall < 0.3
    assert lesson.reached == (lesson.precision >= 0.99)


def test_near_the_threshold_is_meant_in_logits():
    """A past bug: a page chose its candidates by the difference of scores."""
    scores_N = np.array([0.99, 0.8, 1.0, 0.0])
    distance_N = from_threshold(scores_N, threshold=0.9)
    assert np.argsort(distance_N).tolist() == [1, 0, 2, 3]
    assert np.isfinite(distance_N).all()
    assert distance_N[1] == pytest.approx(np.log(9) - np.log(4))


rates = st.floats(0, 1, allow_subnormal=False)


@given(tpr=rates, fpr=rates, more=rates, share=st.floats(0.001, 0.999))
def test_expected_precision_is_a_share_that_falls_with_errors(tpr, fpr, more, share):
    one, other = (
        expected_precision(np.array([tpr]), np.array([rate]), share=share)[0]
        for rate in (fpr, min(1.0, fpr + more))
    )
    assert 0 <= other <= one + 1e-12 <= 1 + 1e-12
    if tpr == fpr > 0:
        assert one == pytest.approx(share)


@settings(max_examples=50)
@given(
    scores=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30),
    threshold=st.floats(0.01, 0.99),
    number=st.integers(1, 10),
)
def test_suggestions_are_the_nearest_to_the_threshold_one_an_artist(scores, threshold, number):
    groups = [str(i % 4) for i in range(len(scores))]
    scores_N = np.array(scores)
    rows = to_ask(scores_N, threshold=threshold, groups=groups, number=number)
    assert len(rows) == min(number, len(set(groups)))
    assert len({groups[row] for row in rows}) == len(rows)

    def distance(row):
        sure = np.clip(scores_N[row], 1e-6, 1 - 1e-6)
        return abs(np.log(sure / (1 - sure)) - np.log(threshold / (1 - threshold)))

    assert distance(rows[0]) == min(distance(row) for row in range(len(scores)))
    assert [distance(row) for row in rows] == sorted(distance(row) for row in rows)
