from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.consumers.playlist_neighbours import TONICS, key_distance, tempo_distance
from pipeline.consumers.playlist_rules import (
    Candidate,
    Curve,
    Key,
    NeighbourRule,
    Pool,
    Rules,
    Weights,
)
from pipeline.consumers.playlist_selector import select
from pipeline.errors import ConfigError

KEYS = [Key(tonic, mode) for tonic in TONICS for mode in ("major", "minor")]


def pool(tracks, vectors=None) -> Pool:
    given_vectors = np.zeros((len(tracks), 0)) if vectors is None else np.array(vectors)
    return Pool(tuple(tracks), given_vectors.astype(np.float32))


def song(name: str, **facts) -> Candidate:
    return Candidate(name, f"/{name}.mp3", **{"title": name, "duration_s": 60.0} | facts)


def ids(selection) -> list[str]:
    return [pick.track.track_id for pick in selection.picks]


@st.composite
def pools(draw) -> Pool:
    size = draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tracks = [
        Candidate(
            track_id=f"t{i}",
            uri=f"/t{i}.mp3",
            title=draw(st.sampled_from([None, "A", "a ", "B", f"T{i}"])),
            artist=draw(st.sampled_from([None, "x", "X", "y", "z"])),
            duration_s=draw(st.sampled_from([None, 30.0, 61.5, 200.0])),
            closeness=float(rng.random()),
            tempo_bpm=draw(st.sampled_from([None, 60.0, 62.0, 90.0, 124.0])),
            key=draw(st.sampled_from([None, *KEYS])),
            energy=draw(st.sampled_from([None, 0.1, 0.5, 0.9])),
        )
        for i in range(size)
    ]
    vectors = rng.normal(size=(size, 3))
    return pool(tracks, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@st.composite
def rule_sets(draw) -> Rules:
    by_tracks = draw(st.booleans())
    return Rules(
        num_tracks=draw(st.integers(1, 16)) if by_tracks else None,
        total_s=None if by_tracks else draw(st.sampled_from([30.0, 100.0, 400.0, 5000.0])),
        per_artist=draw(st.sampled_from([None, 1, 2])),
        curve=draw(st.sampled_from(Curve)),
        diversity=draw(st.sampled_from([0.0, 0.3, 1.0])),
        seed=draw(st.integers(0, 3)),
        neighbours=draw(st.sampled_from(NeighbourRule)),
        tempo_ratio=draw(st.sampled_from([None, 1.0, 1.1])),
        key_distance=draw(st.sampled_from([None, 0, 1])),
    )


def length_without_neighbours(candidates: Pool, rules: Rules) -> int:
    """What the rules on names and number leave, counted another way."""
    named = {
        (" ".join(t.artist.casefold().split()), " ".join(t.title.casefold().split()))
        for t in candidates.tracks
        if t.artist and t.title
    }
    nameless = [t for t in candidates.tracks if not t.artist or not t.title]
    artists = Counter(artist for artist, _ in named)
    artists.update((t.artist or "").casefold() for t in nameless)
    free = artists.pop("", 0)
    cap = rules.per_artist or 99
    return min(rules.num_tracks or 0, free + sum(min(cap, n) for n in artists.values()))


@settings(deadline=None, max_examples=80)
@given(pools(), rule_sets())
def test_every_rule_holds_and_what_is_missing_is_explained(candidates, rules):
    try:
        selection = select(candidates, rules=rules)
    except ConfigError:
        with pytest.raises(ConfigError, match="cannot hold"):
            select(candidates, rules=rules)
        return
    chosen = [pick.track for pick in selection.picks]
    assert len({t.track_id for t in chosen}) == len(chosen)
    songs = [
        (t.artist.casefold(), t.title.strip().casefold()) for t in chosen if t.artist and t.title
    ]
    assert len(set(songs)) == len(songs)
    if rules.per_artist:
        counts = Counter(t.artist.casefold() for t in chosen if t.artist)
        assert max(counts.values(), default=0) <= rules.per_artist
    if rules.num_tracks is not None:
        assert len(chosen) <= rules.num_tracks
        possible = length_without_neighbours(candidates, rules)
        if rules.neighbours is not NeighbourRule.REQUIRE:
            assert len(chosen) == possible
        elif len(chosen) < possible:
            assert any(note.startswith("neighbours:") for note in selection.notes)
        if len(chosen) < rules.num_tracks:
            assert selection.notes
    else:
        assert selection.duration_s <= rules.total_s + 1e-6
        left = [t for t in candidates.tracks if t.track_id not in {c.track_id for c in chosen}]
        left_s = rules.total_s - selection.duration_s
        if any(t.duration_s and t.duration_s <= left_s for t in left) or left_s > 1:
            assert selection.notes
    if rules.neighbours is NeighbourRule.REQUIRE:
        assert all(not pick.leaps for pick in selection.picks)
        for before, after in pairwise(chosen):
            if rules.key_distance is not None and before.key and after.key:
                assert key_distance(before.key, after.key) <= rules.key_distance
            if rules.tempo_ratio and before.tempo_bpm and after.tempo_bpm:
                octaves = tempo_distance(before.tempo_bpm, after.tempo_bpm)
                assert octaves <= np.log2(rules.tempo_ratio) + 1e-6


@settings(deadline=None, max_examples=30)
@given(pools(), rule_sets(), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_changes_nothing(candidates, rules, random):
    order = list(range(len(candidates.tracks)))
    random.shuffle(order)
    shuffled = Pool(tuple(candidates.tracks[i] for i in order), candidates.vectors_NE[order])
    try:
        expected = ids(select(candidates, rules=rules))
    except ConfigError:
        with pytest.raises(ConfigError):
            select(shuffled, rules=rules)
        return
    assert ids(select(shuffled, rules=rules)) == expected


def test_another_seed_orders_near_ties_otherwise_and_moves_nothing_else():
    near = [song(f"near{i}", closeness=0.9) for i in range(8)]
    tracks = [*near, song("best", closeness=1.0), song("far", closeness=0.5)]
    found = {
        tuple(ids(select(pool(tracks), rules=Rules(num_tracks=10, seed=seed)))) for seed in range(5)
    }
    assert len(found) == 5
    assert all(one[0] == "best" and one[-1] == "far" for one in found)


def test_diversity_takes_the_track_that_is_unlike_the_first():
    tracks = [song("a", closeness=1.0), song("a2", closeness=0.95), song("b", closeness=0.8)]
    vectors = [[1, 0], [1, 0], [0, 1]]
    rules = Rules(num_tracks=2, weights=Weights(near_tie=0.0))
    assert ids(select(pool(tracks, vectors), rules=replace(rules, diversity=0.0))) == ["a", "a2"]
    assert ids(select(pool(tracks, vectors), rules=replace(rules, diversity=0.5))) == ["a", "b"]


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (Curve.RISING, [0, 1, 2, 3, 4]),
        (Curve.FALLING, [4, 3, 2, 1, 0]),
    ],
)
def test_energy_follows_its_curve(curve, expected):
    tracks = [song(f"t{i}", energy=0.1 + 0.2 * i) for i in range(5)]
    selection = select(pool(tracks), rules=Rules(num_tracks=5, curve=curve))
    assert ids(selection) == [f"t{i}" for i in expected]


def test_an_arc_is_highest_in_the_middle():
    tracks = [song(f"t{i:02d}", energy=i / 19) for i in range(20)]
    selection = select(pool(tracks), rules=Rules(num_tracks=7, curve=Curve.ARC))
    energies = [pick.track.energy for pick in selection.picks]
    assert energies[:4] == sorted(energies[:4])
    assert energies[3:] == sorted(energies[3:], reverse=True)
    assert energies[3] > 0.8


def test_more_tracks_than_artists_allow_is_refused_with_the_numbers():
    tracks = [song(f"t{i}", artist=f"artist {i % 12}") for i in range(60)]
    with pytest.raises(ConfigError, match=r"30 tracks at 1 an artist cannot hold.*12 artists"):
        select(pool(tracks), rules=Rules(num_tracks=30, per_artist=1))


def test_minutes_that_the_artists_cannot_fill_are_refused():
    tracks = [song(f"t{i}", artist="one") for i in range(60)]
    with pytest.raises(ConfigError, match=r"30\.0 minutes at 1 an artist cannot hold"):
        select(pool(tracks), rules=Rules(total_s=1800.0, per_artist=1))


def test_minutes_shorter_than_every_track_are_refused():
    with pytest.raises(ConfigError, match=r"the shortest of 1 candidates takes 1\.0 minutes"):
        select(pool([song("t")]), rules=Rules(total_s=30.0))


def test_fewer_candidates_than_asked_is_a_shorter_list_that_says_so():
    selection = select(pool([song("a"), song("b")]), rules=Rules(num_tracks=5))
    assert len(selection.picks) == 2
    assert selection.notes == ("shorter than asked: 2 of 5 tracks, all that answer",)


def test_a_leap_is_preferred_not_to_be_and_required_not_to_be():
    tracks = [
        song("a", closeness=1.0, tempo_bpm=100.0),
        song("b", closeness=0.9, tempo_bpm=140.0),
        song("c", closeness=0.85, tempo_bpm=52.0),
    ]
    rules = Rules(num_tracks=3, tempo_ratio=1.1, weights=Weights(near_tie=0.0))
    preferred = select(pool(tracks), rules=rules)
    assert ids(preferred) == ["a", "c", "b"]
    assert [pick.leaps for pick in preferred.picks] == [(), (), ("tempo",)]
    required = select(pool(tracks), rules=replace(rules, neighbours=NeighbourRule.REQUIRE))
    assert ids(required) == ["a", "c"]
    assert required.notes[0].startswith("neighbours: the list ends after 2 tracks of 3")


def test_no_candidates_is_an_empty_list():
    assert select(pool([]), rules=Rules(num_tracks=3)).picks == ()
