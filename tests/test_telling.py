import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.telling import Form, as_json, plain, told


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    name: str
    share: float


@dataclass(frozen=True)
class Answer:
    parts: tuple[Part, ...]
    by_colour: dict[Colour, int]

    def lines(self):
        return ["an answer", "of two lines"]


@dataclass(frozen=True)
class Stated:
    secret: str

    def facts(self):
        return {"known": 1}


ANSWER = Answer((Part("é", math.nan), Part("b", 0.5)), {Colour.RED: 2})


def test_people_get_lines():
    assert told(ANSWER, form=Form.TEXT) == "an answer\nof two lines"


def test_several_answers_are_one():
    assert told([ANSWER, ANSWER], form=Form.TEXT).count("of two lines") == 2
    assert len(json.loads(told([ANSWER, ANSWER], form=Form.JSON))) == 2


def test_programs_get_json():
    assert json.loads(told(ANSWER, form=Form.JSON)) == {
        "parts": [{"name": "é", "share": None}, {"name": "b", "share": 0.5}],
        "by_colour": {"red": 2},
    }


def test_an_answer_with_facts_says_these_alone():
    assert plain([Stated("x")]) == [{"known": 1}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(np.inf), None),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([np.nan, 1.0]), [None, 1.0]),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (Path("a/b"), "a/b"),
        (True, True),
        (None, None),
    ],
)
def test_values_of_other_kinds(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_a_kind_without_a_form_is_refused():
    with pytest.raises(TypeError, match="object has no form"):
        plain({"x": object()})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_json_has_comes_back(value):
    assert json.loads(as_json(value)) == plain(value)
