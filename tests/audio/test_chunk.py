"""Chunk starts: first is 0, steps equal the hop, and each tail keeps its promise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.chunk import Tail, chunk_starts, num_repeats, spread_starts

LENGTHS = st.integers(0, 300)
CHUNKS = st.integers(1, 60)
TAILS = st.sampled_from(Tail)


def covered(starts: list[int], chunk: int) -> set[int]:
    return {place for start in starts for place in range(start, start + chunk)}


@settings(deadline=None)
@given(LENGTHS, CHUNKS, CHUNKS, TAILS)
def test_starts_rise_from_0_by_the_hop_but_for_an_aligned_last(length, chunk, hop, tail):
    starts = chunk_starts(length, chunk=chunk, hop=hop, tail=tail)
    regular = starts[:-1] if tail is Tail.ALIGN else starts
    assert regular == [index * hop for index in range(len(regular))]
    if starts:
        assert starts[0] == 0
        assert len(starts) == 1 or 0 < starts[-1] - starts[-2] <= hop
        assert starts[-1] < length


@settings(deadline=None)
@given(LENGTHS, CHUNKS, st.integers(1, 20))
def test_a_number_of_chunks_stands_at_equal_distances_inside(length, chunk, count):
    starts = spread_starts(length, chunk=chunk, count=count)
    hop = (length - chunk) // count
    if hop < 1:
        assert starts == [0]
    else:
        assert starts == [index * hop for index in range(count)]
        assert starts[-1] + chunk <= length


def test_no_chunks_of_a_number_are_refused():
    for length, chunk, count in ((1, 0, 1), (1, 1, 0), (-1, 1, 1)):
        with pytest.raises(ValueError, match="chunks of"):
            spread_starts(length, chunk=chunk, count=count)


@settings(deadline=None)
@given(LENGTHS, CHUNKS, CHUNKS)
def test_drop_never_passes_the_end_and_leaves_no_room_for_another(length, chunk, hop):
    starts = chunk_starts(length, chunk=chunk, hop=hop, tail=Tail.DROP)
    assert all(start + chunk <= length for start in starts)
    following = starts[-1] + hop if starts else 0
    assert following + chunk > length


@settings(deadline=None)
@given(LENGTHS, CHUNKS, CHUNKS, st.sampled_from([Tail.PAD, Tail.ALIGN]))
def test_pad_and_align_cover_everything_when_chunks_touch(length, chunk, hop, tail):
    starts = chunk_starts(length, chunk=chunk, hop=min(hop, chunk), tail=tail)
    assert covered(starts, chunk) >= set(range(length))


@settings(deadline=None)
@given(LENGTHS, CHUNKS, CHUNKS)
def test_pad_has_no_chunk_that_could_be_left_out(length, chunk, hop):
    starts = chunk_starts(length, chunk=chunk, hop=min(hop, chunk), tail=Tail.PAD)
    assert not covered(starts[:-1], chunk) >= set(range(length)) or length == 0


@settings(deadline=None)
@given(st.integers(1, 300), CHUNKS, CHUNKS)
def test_align_ends_at_the_end(length, chunk, hop):
    starts = chunk_starts(length, chunk=chunk, hop=hop, tail=Tail.ALIGN)
    assert starts[-1] == max(0, length - chunk)


@settings(deadline=None)
@given(LENGTHS, CHUNKS, CHUNKS, st.sampled_from([Tail.PAD, Tail.ALIGN]))
def test_pad_and_align_begin_with_what_drop_has(length, chunk, hop, tail):
    dropped = chunk_starts(length, chunk=chunk, hop=hop, tail=Tail.DROP)
    starts = chunk_starts(length, chunk=chunk, hop=hop, tail=tail)
    assert starts[: len(dropped)] == dropped
    assert len(starts) <= len(dropped) + 1 or hop < chunk


@settings(deadline=None)
@given(st.integers(1, 99), CHUNKS)
def test_what_is_shorter_than_a_chunk_has_one_or_none(length, hop):
    for tail, expected in ((Tail.DROP, []), (Tail.PAD, [0]), (Tail.ALIGN, [0])):
        assert chunk_starts(length, chunk=100, hop=hop, tail=tail) == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(Tail.DROP, [0, 4]), (Tail.PAD, [0, 4, 8]), (Tail.ALIGN, [0, 4, 6])],
)
def test_a_length_of_11_in_chunks_of_5_every_4(tail, expected):
    assert chunk_starts(11, chunk=5, hop=4, tail=tail) == expected


def test_patches_of_musicnn_drop_the_tail():
    assert chunk_starts(1876, chunk=187, hop=187, tail=Tail.DROP) == list(range(0, 1684, 187))


@pytest.mark.parametrize(("length", "chunk", "hop"), [(-1, 5, 4), (9, 0, 4), (9, 5, 0)])
def test_what_makes_no_sense_raises(length, chunk, hop):
    with pytest.raises(ValueError, match="no chunks of"):
        chunk_starts(length, chunk=chunk, hop=hop, tail=Tail.PAD)


@settings(deadline=None)
@given(st.integers(1, 300), CHUNKS)
def test_repeats_fill_a_chunk_and_no_fewer_do(length, chunk):
    repeats = num_repeats(length, chunk=chunk)
    assert repeats * length >= chunk
    assert repeats == 1 or (repeats - 1) * length < chunk


def test_nothing_cannot_be_repeated():
    with pytest.raises(ValueError, match="nothing to repeat"):
        num_repeats(0, chunk=5)
