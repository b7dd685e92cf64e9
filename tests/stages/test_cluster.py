from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.cluster import MAX_UNITS, units


@given(st.integers(1, 200_000), st.integers(1, 64), st.integers(1, 512))
def test_units_cover_every_track_once_in_order(num_tracks, num_actors, unit_tracks):
    slices = units(num_tracks, num_actors=num_actors, unit_tracks=unit_tracks)
    assert slices[0][0] == 0
    assert slices[-1][1] == num_tracks
    assert all(a[1] == b[0] for a, b in itertools.pairwise(slices))
    assert all(start < stop for start, stop in slices)
    assert len(slices) <= MAX_UNITS


def test_few_tracks_are_spread_over_the_actors():
    assert len(units(200, num_actors=2, unit_tracks=256)) >= 16


def test_a_hundred_million_tracks_stay_within_the_limit_of_units():
    assert len(units(100_000_000, num_actors=1000, unit_tracks=256)) <= MAX_UNITS
