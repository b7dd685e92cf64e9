from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.consumers.playlist_order import improved_order, off_curve, targets
from pipeline.consumers.playlist_rules import Candidate, Curve, Key, NeighbourRule, Rules

RULES = Rules(num_tracks=9, tempo_ratio=1.1, key_distance=1, curve=Curve.RISING)
TRACKS = st.lists(
    st.builds(
        Candidate,
        track_id=st.just("t"),
        uri=st.just("/t.mp3"),
        tempo_bpm=st.sampled_from([None, 60.0, 90.0]),
        key=st.sampled_from([None, Key("C", "major"), Key("F#", "minor")]),
        energy=st.sampled_from([None, 0.0, 0.4, 0.8]),
    ),
    max_size=6,
)


def off(tracks, rules=RULES) -> float:
    places = zip(tracks, targets(len(tracks), rules=rules), strict=True)
    return sum(off_curve(track, target=target) for track, target in places)


@settings(deadline=None, max_examples=50)
@given(TRACKS)
def test_the_same_tracks_come_back_in_an_order_that_is_no_worse(tracks):
    order = improved_order(tracks, rules=Rules(num_tracks=9, curve=Curve.RISING))
    assert sorted(order) == list(range(len(tracks)))
    assert off([tracks[i] for i in order]) <= off(tracks) + 1e-9


def test_a_misfit_at_the_end_goes_where_it_fits():
    tracks = [Candidate(str(e), "/t.mp3", energy=e) for e in (0.3, 0.1, 0.5, 0.9, 0.0)]
    order = improved_order(tracks, rules=RULES)
    best = min(off([tracks[i] for i in p]) for p in itertools.permutations(range(5)))
    assert off([tracks[i] for i in order]) == pytest.approx(best)


def test_without_anything_to_gain_the_order_stays():
    tracks = [Candidate(str(i), "/t.mp3", energy=0.5) for i in range(6)]
    assert improved_order(tracks, rules=Rules(num_tracks=6)) == list(range(6))


def test_required_neighbours_stay_neighbours():
    tempi = [60.0, 64.0, 68.0, 72.0]
    tracks = [
        Candidate(str(t), "/t.mp3", tempo_bpm=t, energy=e)
        for t, e in zip(tempi, [0.1, 0.9, 0.4, 0.6], strict=True)
    ]
    rules = Rules(
        num_tracks=4, tempo_ratio=1.07, curve=Curve.RISING, neighbours=NeighbourRule.REQUIRE
    )
    ordered = [tracks[i].tempo_bpm for i in improved_order(tracks, rules=rules)]
    assert ordered in (tempi, tempi[::-1])
