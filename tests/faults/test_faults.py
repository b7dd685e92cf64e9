"""Each fault of the kill matrix leaves the rows that an undisturbed run has."""

from __future__ import annotations

import pytest
from fault_cluster import Ground
from fault_music import differences
from fault_trials import MATRIX, QUICK, Stage
from matrix import line

SEED = 0
REST = [trial for trial in MATRIX if trial not in QUICK]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Ground() as ground:
        yield Stage(ground, tmp_path_factory.mktemp("faults"), seed=SEED)


def play(stage: Stage, name: str, verb: str) -> None:
    outcome = stage.play(name, verb)
    print(line(outcome))
    assert outcome.passed, outcome.problems


@pytest.mark.ray
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "verb"), QUICK, ids=[" in ".join(trial) for trial in QUICK])
def test_the_rows_are_those_of_an_undisturbed_run(stage, name, verb):
    play(stage, name, verb)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "verb"), REST, ids=[" in ".join(trial) for trial in REST])
def test_the_rows_are_those_of_an_undisturbed_run_in_the_whole_matrix(stage, name, verb):
    play(stage, name, verb)


def test_a_lost_a_strange_and_a_changed_row_are_told_apart_from_the_oracle():
    oracle = {"a": ("ok", None, "1"), "b": ("ok", None, "2"), "c": ("failed", "empty", None)}
    found = {"a": ("ok", None, "9"), "c": ("failed", "missing", None), "d": ("ok", None, "4")}
    said = differences(found, oracle)
    assert [words.split()[0] for words in said] == ["b", "d", "a", "c"]
    assert differences(oracle, oracle) == []
