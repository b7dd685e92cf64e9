from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.playlist_neighbours import TONICS, key_distance, tempo_distance, wheel_place
from pipeline.consumers.playlist_rules import Key

KEYS = st.builds(Key, st.sampled_from(TONICS), st.sampled_from(["major", "minor"]))


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        ("C major", "C major", 0),
        ("C major", "A minor", 1),
        ("C major", "G major", 1),
        ("C major", "F major", 1),
        ("A minor", "E minor", 1),
        ("C major", "D major", 2),
        ("C major", "C minor", 4),
        ("C major", "F# major", 6),
    ],
)
def test_distances_are_those_of_the_wheel(a, b, steps):
    assert key_distance(Key(*a.split()), Key(*b.split())) == steps


@pytest.mark.parametrize(
    ("key", "camelot"),
    [("C major", 8), ("A minor", 8), ("G major", 9), ("B major", 1), ("G# minor", 1)],
)
def test_places_are_numbers_of_the_camelot_wheel(key, camelot):
    assert (wheel_place(Key(*key.split())) + 7) % 12 + 1 == camelot


@given(KEYS, KEYS, KEYS)
def test_the_distance_of_keys_is_a_metric(a, b, c):
    assert key_distance(a, b) == key_distance(b, a)
    assert (key_distance(a, b) == 0) == (a == b)
    assert key_distance(a, c) <= key_distance(a, b) + key_distance(b, c)


@given(st.floats(40, 240), st.floats(40, 240))
def test_tempi_are_compared_at_half_and_double_time_too(a, b):
    assert tempo_distance(a, b) == pytest.approx(tempo_distance(b, a))
    assert tempo_distance(a, a) == 0
    assert tempo_distance(a, 2 * a) == pytest.approx(0)


def test_two_tempi_a_half_octave_apart_are_the_farthest():
    assert tempo_distance(100, 100 * 2**0.5) == pytest.approx(0.5)
    assert tempo_distance(60, 130) == pytest.approx(tempo_distance(120, 130))
