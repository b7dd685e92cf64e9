from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers import selection
from pipeline.consumers.selection import best_rows, geometric_mean, ranking_keys, within_limit

KEYS = st.lists(st.integers(0, 6), max_size=60)


def slow_best(keys, *, limit, groups, per_group):
    taken: dict[int, int] = {}
    kept = []
    for row in sorted(range(len(keys)), key=lambda row: (-keys[row], row)):
        group = groups[row]
        taken[group] = taken.get(group, 0) + 1
        if per_group is None or group < 0 or taken[group] <= per_group:
            kept.append(row)
    return kept[:limit]


@given(KEYS, st.integers(1, 20), st.integers(1, 4) | st.none(), st.integers(0, 2**32 - 1))
def test_the_best_rows_are_those_of_a_full_sort(keys, limit, per_group, seed):
    groups = np.random.default_rng(seed).integers(-1, 5, len(keys)).astype(np.int32)
    found = best_rows(np.array(keys, np.float64), limit=limit, groups_N=groups, per_group=per_group)
    assert found.tolist() == slow_best(keys, limit=limit, groups=groups, per_group=per_group)


@pytest.mark.parametrize("first", [1, 2, 7])
def test_the_number_of_first_candidates_changes_nothing(monkeypatch, first):
    rng = np.random.default_rng(1)
    keys, groups = rng.integers(0, 50, 5_000) / 50, rng.integers(-1, 30, 5_000).astype(np.int32)
    expected = best_rows(keys, limit=40, groups_N=groups, per_group=1)
    monkeypatch.setattr(selection, "FIRST_CANDIDATES", first)
    found = best_rows(keys, limit=40, groups_N=groups, per_group=1)
    assert found.tolist() == expected.tolist()
    assert found.tolist() == slow_best(keys.tolist(), limit=40, groups=groups, per_group=1)


@given(st.lists(st.integers(-1, 3), max_size=30), st.integers(1, 3))
def test_within_a_limit_are_the_first_of_each_group(groups, per_group):
    kept = within_limit(np.array(groups, np.int32), per_group=per_group)
    for i, group in enumerate(groups):
        assert kept[i] == (group < 0 or groups[:i].count(group) < per_group)


def test_the_mean_of_one_tag_is_its_score_and_a_tag_that_is_absent_leaves_nothing():
    scores = np.array([0.25, 0.0, 1.0], np.float32)
    assert geometric_mean([scores], weights=[3.0]).tolist() == scores.tolist()
    both = geometric_mean([scores, np.array([1.0, 1.0, 0.25], np.float32)], weights=[1.0, 1.0])
    assert both.tolist() == [0.5, 0.0, 0.5]


def test_a_weight_moves_the_mean_towards_its_tag():
    strong, weak = np.array([0.81], np.float32), np.array([0.16], np.float32)
    even = geometric_mean([strong, weak], weights=[1, 1])
    assert even == pytest.approx([0.36])
    assert geometric_mean([strong, weak], weights=[3, 1]) == pytest.approx([0.54])


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=2, max_size=10))
def test_keys_order_rows_as_the_mean_does(rows):
    scores = list(np.array(rows, np.float32).T)
    for weights in ([1.0, 1.0, 1.0], [1.0, 2.0, 0.5]):
        mean = geometric_mean(scores, weights=weights)
        order = np.argsort(ranking_keys(scores, weights=weights), kind="stable")
        assert np.all(np.diff(mean[order]) > -1e-9)
