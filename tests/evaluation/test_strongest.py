from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.strongest import Hit, Strongest, strongest

# Few values, so that ties of every kind occur.
HITS = st.lists(
    st.builds(
        Hit,
        activation=st.sampled_from([-1.0, 0.0, 0.5, 2.0]),
        track_id=st.sampled_from("abcdefg"),
        start_s=st.sampled_from([0.0, 3.0, 6.0]),
    ),
    max_size=40,
)
SIZES = st.integers(1, 5)
UNIT = ("layer", 0)


def by_definition(hits, size):
    """Everything sorted, the first of each track, the first `size` of these."""
    ranked = sorted(set(hits), key=lambda hit: (-hit.activation, hit.track_id, hit.start_s))
    tracks, kept = set(), []
    for hit in ranked:
        if hit.track_id not in tracks:
            tracks.add(hit.track_id)
            kept.append(hit)
    return tuple(kept[:size])


@given(HITS, SIZES)
def test_the_strongest_are_those_of_a_full_sort_one_a_track(hits, size):
    assert strongest(hits, size=size) == by_definition(hits, size)


@given(HITS, SIZES, st.randoms(use_true_random=False))
def test_adding_in_any_order_gives_the_same(hits, size, random):
    kept = Strongest(size)
    shuffled = random.sample(hits, len(hits))
    for hit in shuffled:
        kept.add(UNIT, hit)
    assert kept.hits.get(UNIT, ()) == by_definition(hits, size)


@given(HITS, HITS, HITS, SIZES)
def test_merging_is_associative_commutative_and_idempotent(first, second, third, size):
    def merged(*parts):
        kept = Strongest(size)
        for part in parts:
            kept.merge({UNIT: part})
        return kept.hits[UNIT]

    expected = by_definition([*first, *second, *third], size)
    for order in itertools.permutations([first, second, third]):
        assert merged(*order) == expected
    assert merged(merged(first, second), third) == expected
    assert merged(first, merged(second, third)) == expected
    assert merged(first, second, third, second) == expected


@given(HITS, HITS, SIZES)
def test_an_actor_may_keep_back_what_is_not_among_its_own_strongest(first, second, size):
    actor, driver = Strongest(size), Strongest(size)
    for part in (first, second):
        for hit in part:
            actor.add(UNIT, hit)
        driver.merge(actor.of_tracks(frozenset(hit.track_id for hit in part)))
    assert driver.hits.get(UNIT, ()) == by_definition([*first, *second], size)


def test_nothing_more_is_kept_than_asked_for():
    kept = Strongest(9)
    for i in range(1000):
        kept.add(UNIT, Hit(float(i), f"t{i}", 0.0))
    assert [hit.activation for hit in kept.hits[UNIT]] == [float(i) for i in range(999, 990, -1)]
