from __future__ import annotations

import math

import pytest

from pipeline.consumers.search_request import (
    Range,
    Search,
    UnwantedTag,
    WantedTag,
    bounds,
    ranges,
    unwanted_tags,
    wanted_tags,
)
from pipeline.errors import ConfigError


def test_tags_are_read_as_people_write_them():
    assert wanted_tags(["piano,slow>=0.5", "mood---sad*2", "a b >=.25*0.5"]) == (
        WantedTag("piano"),
        WantedTag("slow", 0.5),
        WantedTag("mood---sad", None, 2.0),
        WantedTag("a b", 0.25, 0.5),
    )
    assert unwanted_tags(["vocal<=0.3", "loud, fast"]) == (
        UnwantedTag("vocal", 0.3),
        UnwantedTag("loud"),
        UnwantedTag("fast"),
    )


def test_ranges_are_read_as_people_write_them():
    assert ranges(["tempo_bpm=80:100", "year=1990:", "year=:1999", "year = 1991", "x=-3:-1.5"]) == (
        Range("tempo_bpm", 80, 100),
        Range("year", 1990, None),
        Range("year", None, 1999),
        Range("year", 1991, 1991),
        Range("x", -3, -1.5),
    )


@pytest.mark.parametrize(
    "text", ["tempo_bpm", "tempo_bpm=", "tempo_bpm=:", "=1:2", "x=1:2:3", "x=a"]
)
def test_a_range_of_another_form_is_refused(text):
    with pytest.raises(ConfigError, match="COLUMN=LOW:HIGH"):
        ranges([text])


def test_several_ranges_of_a_column_hold_together():
    both = ranges(["year=1980:2000", "year=1990:"])
    assert bounds(both, column="year") == (1990, 2000)
    assert bounds(both, column="tempo_bpm") == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "nothing is asked for"),
        ({"limit": 0}, "limit is 0"),
        ({"per_artist": 0}, "per_artist is 0"),
        ({"mode": "dorian"}, "mode is 'dorian'"),
        ({"keys": ("C", "H")}, "no key 'H'"),
        ({"unwanted_percentile": 101.0}, "unwanted_percentile is 101"),
        ({"like": wanted_tags(["piano>=1.5"])}, "piano>=1.5"),
        ({"like": wanted_tags(["piano*0"])}, "weight of piano is 0"),
        ({"unlike": unwanted_tags(["vocal<=2"])}, "vocal<=2"),
        ({"ranges": ranges(["tempo_bpm=100:80"])}, "no tempo_bpm is 100 or more and 80 or less"),
        ({"ranges": ranges(["year=2000:", "year=:1990"])}, "no year is 2000 or more"),
    ],
)
def test_what_cannot_be_asked_says_why(asked, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        Search(**asked)


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as error:
        Search(limit=0, mode="x")
    assert str(error.value).count("\n") == 2
