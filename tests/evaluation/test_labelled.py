from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.labelled import Labelled
from pipeline.taxonomy import TaskKind

TAGS = ("instrument---piano", "mood---calm")


def labelled(scores, targets, **changes) -> Labelled:
    fields = {
        "track_ids": tuple(f"t{i}" for i in range(len(scores))),
        "tags": TAGS[: np.shape(scores)[1]],
        "kind": TaskKind.MULTILABEL,
        "scores_NK": np.array(scores, np.float32),
        "targets_NK": np.array(targets, bool),
    }
    return Labelled(**(fields | changes))


def test_tags_are_predicted_at_and_over_their_thresholds():
    two = labelled([[0.5, 0.5], [0.49, 0.7]], [[1, 0], [0, 1]])
    assert two.predictions().tolist() == [[True, True], [False, True]]
    assert two.at((0.4, 0.6)).predictions().tolist() == [[True, False], [True, True]]
    assert two.thresholds == (0.5, 0.5)
    assert two.at((0.4, 0.6)).thresholds == (0.4, 0.6)


def test_a_threshold_is_compared_in_float32_as_tables_do():
    score = np.float32(0.7)  # a little under 0.7
    assert labelled([[score]], [[1]], thresholds_K=(0.7,)).predictions().all()
    saved = labelled([[0.7]], [[1]], thresholds_K=(0.7,), scores_NK=np.array([[0.7]]))
    assert saved.scores_NK.dtype == np.float32
    assert saved.predictions().all()


def test_the_best_score_is_a_multiclass_prediction_whatever_the_threshold():
    found = labelled([[0.1, 0.2], [0.4, 0.4]], [[0, 1], [1, 0]], kind=TaskKind.MULTICLASS)
    assert found.predictions().tolist() == [[False, True], [True, False]]
    assert found.at((0.9, 0.9)).predictions().tolist() == found.predictions().tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores_NK": np.zeros((2, 1), np.float32)}, r"2 tags, but scores \(2, 1\)"),
        ({"targets_NK": np.zeros((1, 2), bool)}, r"targets \(1, 2\)"),
        ({"targets_NK": np.zeros((2, 2), int)}, "targets are int64, not bool"),
        ({"track_ids": ("a", "a")}, "track a stands 2 times"),
        ({"tags": ("x---y",) * 2}, "tag x---y stands 2 times"),
        ({"thresholds_K": (0.5,)}, "1 thresholds for 2 tags"),
        ({"kind": TaskKind.MULTICLASS}, "track t1 has 2 of the tags"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        labelled([[0.1, 0.2], [0.3, 0.4]], [[1, 0], [1, 1]], **changes)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.1])
def test_a_score_that_is_no_number_from_0_to_1_is_named(wrong):
    with pytest.raises(ValueError, match="the score of t1 for mood---calm is"):
        labelled([[0.1, 0.2], [0.3, wrong]], [[1, 0], [1, 1]])


def test_a_rounding_error_over_1_is_no_fault():
    assert labelled([[1.000001, -0.000001]], [[1, 0]]).predictions().tolist() == [[True, False]]


def test_no_tracks_and_no_tags_are_refused():
    with pytest.raises(ValueError, match="no track to judge"):
        labelled(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="no tag to judge"):
        labelled(np.zeros((2, 0)), np.zeros((2, 0)))
