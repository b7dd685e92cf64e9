from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.outcomes import (
    CALIBRATION_BINS,
    all_right,
    calibration_gaps,
    log_losses,
    shares_right,
)
from pipeline.taxonomy import TaskKind


def labelled(scores, targets, *, kind=TaskKind.MULTILABEL) -> Labelled:
    scores_NK = np.array(scores, np.float32)
    ids, tags = (tuple(map(str, range(n))) for n in scores_NK.shape)
    return Labelled(ids, tags, kind, scores_NK, np.array(targets, bool))


def error(given: Labelled) -> float:
    return float(np.abs(calibration_gaps(given).mean(0)).sum())


def textbook_error(scores, outcomes) -> float:
    """Share of the bin times |mean outcome - mean score|, bin by bin."""
    total = 0.0
    for b in range(CALIBRATION_BINS):
        low, high = b / CALIBRATION_BINS, (b + 1) / CALIBRATION_BINS
        inside = (scores >= low) & ((scores < high) | (b == CALIBRATION_BINS - 1))
        if inside.any():
            total += inside.mean() * abs(outcomes[inside].mean() - scores[inside].mean())
    return total


def test_right_answers_are_counted_by_decision_and_by_track():
    two = labelled([[0.9, 0.9], [0.9, 0.1]], [[1, 0], [1, 0]])
    assert shares_right(two).tolist() == [0.5, 1.0]
    assert all_right(two).tolist() == [0.0, 1.0]


def test_a_multiclass_track_is_one_decision():
    shares = [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]
    two = labelled(shares, [[1, 0, 0], [0, 1, 0]], kind=TaskKind.MULTICLASS)
    assert shares_right(two).tolist() == [1.0, 0.0]
    assert log_losses(two) == pytest.approx([-np.log(0.6), -np.log(0.4)], abs=1e-6)


def test_a_certain_error_costs_much_and_stays_finite():
    losses = log_losses(labelled([[0.0], [1.0]], [[1], [1]]))
    assert losses[0] == pytest.approx(-np.log(np.finfo(np.float32).eps))
    assert losses[1] == pytest.approx(0, abs=1e-6)


def test_scores_that_come_true_as_often_as_they_say_have_no_calibration_error():
    assert error(labelled([[0.25]] * 4, [[1], [0], [0], [0]])) == pytest.approx(0)
    assert error(labelled([[0.75]] * 4, [[1], [0], [0], [0]])) == pytest.approx(0.5)
    assert error(labelled([[1.0], [0.0]], [[0], [1]])) == pytest.approx(1)


@pytest.mark.parametrize("num_tags", [1, 4])
def test_the_calibration_error_is_the_textbooks(num_tags):
    generator = np.random.default_rng(3)
    scores = generator.random((300, num_tags)).astype(np.float32)
    targets = generator.random((300, num_tags)) < scores**2
    expected = textbook_error(scores.astype(float).ravel(), targets.ravel())
    assert error(labelled(scores, targets)) == pytest.approx(expected, abs=1e-9)


def test_a_multiclass_calibration_error_judges_the_best_score():
    generator = np.random.default_rng(4)
    raw = generator.random((300, 5))
    shares = (raw / raw.sum(1, keepdims=True)).astype(np.float32)
    answers = generator.integers(5, size=300)
    given = labelled(shares, np.eye(5)[answers], kind=TaskKind.MULTICLASS)
    best = shares.max(1).astype(float)
    expected = textbook_error(best, shares.argmax(1) == answers)
    assert error(given) == pytest.approx(expected, abs=1e-9)
