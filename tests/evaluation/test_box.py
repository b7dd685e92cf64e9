from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.box import Box, window

SIDES = st.integers(1, 60)


@st.composite
def boxes_in_mels(draw):
    bands, frames = draw(SIDES), draw(SIDES)
    low, start = draw(st.integers(0, bands - 1)), draw(st.integers(0, frames - 1))
    high, stop = draw(st.integers(low + 1, bands)), draw(st.integers(start + 1, frames))
    return (bands, frames), Box(low, high, start, stop)


@given(boxes_in_mels(), SIDES, SIDES)
def test_a_window_lies_in_the_mel_and_holds_the_box_if_it_is_large_enough(case, bands, frames):
    shape, box = case
    around = window(box, shape=shape, size=(bands, frames))
    assert 0 <= around.low < around.high <= shape[0]
    assert 0 <= around.start < around.stop <= shape[1]
    assert (around.bands, around.frames) == (min(bands, shape[0]), min(frames, shape[1]))
    if around.bands >= box.bands:
        assert around.low <= box.low
        assert around.high >= box.high
    if around.frames >= box.frames:
        assert around.start <= box.start
        assert around.stop >= box.stop


def test_a_box_far_from_the_ends_stands_in_the_middle():
    assert window(Box(40, 44, 50, 54), shape=(96, 200), size=(10, 20)) == Box(37, 47, 42, 62)
