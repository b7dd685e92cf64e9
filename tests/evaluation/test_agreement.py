from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.agreement import Agreement, agreement, pairs_by_name

TAGS = ("instrument---piano", "mood---calm")


def measure(scores, labels, pair=("instrument---piano", "exact---piano")) -> Agreement:
    found = agreement(np.array(scores, np.float32), tags=TAGS, labels=labels, pairs=[pair])
    return found[0]


def test_a_tag_that_ranks_all_labelled_tracks_first_scores_one():
    labels = [{"exact---piano"}, set(), {"exact---piano"}]
    assert measure([[0.9, 0.0], [0.1, 0.0], [0.8, 0.0]], labels).roc_auc == 1.0
    assert measure([[0.1, 0.0], [0.9, 0.0], [0.2, 0.0]], labels).roc_auc == 0.0
    assert measure([[0.5, 0.0], [0.5, 0.0], [0.5, 0.0]], labels).roc_auc == 0.5


def test_positives_and_tracks_are_counted():
    found = measure([[0.9, 0.0], [0.1, 0.0]], [{"exact---piano", "other---x"}, set()])
    assert (found.num_positives, found.num_tracks) == (1, 2)


@pytest.mark.parametrize("labels", [[set(), set()], [{"exact---piano"}] * 2])
def test_without_both_kinds_of_tracks_there_is_no_area(labels):
    assert measure([[0.9, 0.0], [0.1, 0.0]], labels).roc_auc is None


def test_no_tracks_give_no_area():
    assert measure(np.zeros((0, 2)), []).roc_auc is None


def test_the_right_column_is_measured():
    found = measure([[0.1, 0.9], [0.9, 0.1]], [{"mood---calm"}, set()], ("mood---calm",) * 2)
    assert found.roc_auc == 1.0


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="1 tracks, 2 tags"):
        measure([[0.9]], [set()])


def test_pairs_are_found_by_name_whatever_the_category_and_case():
    labels = {"exact---Piano", "style---piano", "style---opera"}
    assert pairs_by_name(TAGS, labels) == [
        ("instrument---piano", "exact---Piano"),
        ("instrument---piano", "style---piano"),
    ]
