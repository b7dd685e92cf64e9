from __future__ import annotations

import heapq
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.units import MAX_UNITS, units
from pipeline.tables.workload import Workload

LENGTHS_S = st.lists(st.floats(0, 7200), min_size=1, max_size=400)


def workload(work_s, *, stripe: int = 1, num_tracks: int | None = None) -> Workload:
    return Workload(num_tracks or len(work_s) * stripe, stripe, np.array(work_s, float))


@given(LENGTHS_S, st.integers(1, 64), st.integers(1, 512), st.integers(10, 1000))
def test_units_cover_every_track_once_in_order(work_s, num_actors, unit_tracks, max_units):
    slices = units(
        workload(work_s), num_actors=num_actors, unit_tracks=unit_tracks, max_units=max_units
    )
    assert slices[0][0] == 0
    assert slices[-1][1] == len(work_s)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(slices))
    assert all(start < stop for start, stop in slices)
    assert len(slices) <= max_units + 1


@given(st.integers(1, 1000), st.integers(1, 7))
def test_stripes_of_several_tracks_are_not_cut(num_tracks, stripe):
    num_stripes = -(-num_tracks // stripe)
    work = workload(np.full(num_stripes, 30.0), stripe=stripe, num_tracks=num_tracks)
    slices = units(work, num_actors=2, unit_tracks=64)
    assert slices[-1][1] == num_tracks
    assert all(start % stripe == 0 for start, _ in slices)


def idle_s(work_s: list[float], *, num_actors: int) -> float:
    """How long the first actor waits for the last one when each takes the next unit."""
    ends = [0.0] * num_actors
    for start, stop in units(workload(work_s), num_actors=num_actors, unit_tracks=256):
        heapq.heapreplace(ends, ends[0] + sum(work_s[start:stop]))
    return max(ends) - min(ends)


@given(LENGTHS_S, st.integers(2, 8))
def test_no_actor_waits_longer_than_the_longest_track_takes(lengths_s, num_actors):
    work_s = sorted(lengths_s, reverse=True)
    assert idle_s(work_s, num_actors=num_actors) <= max(work_s) + 1e-6


def test_notes_and_mixes_end_together():
    work_s = [3600.0] * 10 + [2.0] * 3000
    assert idle_s(work_s, num_actors=2) <= 3600.0
    assert idle_s([3600.0] * 8 + [2.0] * 9000, num_actors=2) <= 30.0


def test_a_hundred_million_tracks_stay_within_the_limit_of_units():
    work = workload(np.full(781_250, 3840.0), stripe=128, num_tracks=100_000_000)
    assert len(units(work, num_actors=1000, unit_tracks=256)) <= MAX_UNITS
