from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.recap_formulas import (
    AXES,
    EVEN_ARTISTS,
    even_artists,
    exploration,
    letters,
    newness,
    uniqueness,
    variety,
    words,
)

PLAYS = st.lists(st.integers(1, 500), min_size=1, max_size=30)
AGES = st.lists(st.tuples(st.integers(-2, 80), st.integers(1, 100)), min_size=1, max_size=20)


def spread(plays: list[int]) -> float:
    return variety(sum(n * n for n in plays), plays=sum(plays))


@given(PLAYS)
def test_variety_lies_between_0_and_1_and_takes_no_order(plays):
    assert 0.0 <= spread(plays) < 1.0
    assert spread(sorted(plays)) == spread(plays) == spread(plays[::-1])


@given(PLAYS, st.data())
def test_a_play_moved_from_a_larger_artist_to_a_smaller_one_is_more_variety(plays, data):
    plays = [*plays, max(plays) + 2]
    small = data.draw(st.integers(0, len(plays) - 2))
    moved = list(plays)
    moved[-1] -= 1
    moved[small] += 1
    assert spread(moved) > spread(plays)


def test_one_artist_is_no_variety_and_21_even_ones_are_the_middle():
    assert spread([40]) == 0.0
    assert spread([7] * (EVEN_ARTISTS + 1)) == pytest.approx(0.5)
    assert even_artists([3, 3, 3]) == pytest.approx(3.0)


@given(PLAYS, st.integers(2, 9))
def test_listening_for_longer_in_the_same_way_changes_no_variety(plays, times):
    assert spread([times * n for n in plays]) == pytest.approx(spread(plays))


@given(AGES, st.randoms())
def test_newness_lies_between_0_and_1_and_takes_no_order(ages, random):
    value = newness(ages)
    assert 0.0 <= value <= 1.0
    shuffled = list(ages)
    random.shuffle(shuffled)
    assert newness(shuffled) == value


@given(AGES)
def test_older_tracks_are_less_new(ages):
    assert newness([(max(age, 0) + 1, n) for age, n in ages]) < newness(ages)


def test_a_track_of_five_years_is_half_new_and_one_of_next_year_is_new():
    assert newness([(5, 3)]) == pytest.approx(0.5)
    assert newness([(-1, 3)]) == 1.0
    assert newness([]) is None


@given(st.integers(1, 1000), st.data())
def test_exploration_rises_with_new_plays_from_0_to_1(plays, data):
    new = data.draw(st.integers(0, plays - 1))
    assert 0.0 <= exploration(new, plays=plays) < exploration(new + 1, plays=plays) <= 1.0


@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0, 1))
def test_uniqueness_falls_with_what_others_hear(plays, one, other):
    low, high = sorted((one, other))
    assert 0.0 <= uniqueness(high * plays, plays=plays) <= uniqueness(low * plays, plays=plays) <= 1


def test_nothing_gives_unknown_axes_not_zeros():
    assert exploration(0, plays=0) is None
    assert variety(0, plays=0) is None
    assert uniqueness(0.0, plays=0) is None
    assert letters((None, None, None, None)) == "----"


def test_the_letters_are_those_of_the_nearer_ends():
    assert letters((0.2, 0.7, 0.5, 0.49)) == "FNVC"
    assert letters((0.9, None, 0.1, 0.9)) == "E-LU"
    assert words((0.9, None, 0.1, 0.9)) == (
        AXES[0].high_words,
        AXES[2].low_words,
        AXES[3].high_words,
    )


def test_the_two_ends_of_each_axis_have_different_letters():
    assert all(kind.low[0] != kind.high[0] for kind in AXES)
