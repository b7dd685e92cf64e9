from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.recap_shapes import (
    DIAL_HOLE,
    DIAL_RADIUS,
    count,
    dial,
    duration,
    percent,
    shares,
)


@given(st.lists(st.floats(0, 1e9), max_size=24))
def test_shares_lie_between_0_and_1_and_keep_the_order(values):
    found = shares(values)
    assert all(0 <= share <= 1 for share in found)
    pairs = list(zip(values, found, strict=True))
    assert all(x <= y for a, x in pairs for b, y in pairs if a < b)


@given(st.lists(st.floats(0, 1e6), min_size=24, max_size=24))
def test_the_area_of_a_sector_is_its_value(values):
    outer = [float(re.search(r"A([\d.]+)", path)[1]) for path in dial(values)]
    whole = DIAL_RADIUS**2 - DIAL_HOLE**2
    for radius, share in zip(outer, shares(values), strict=True):
        assert (radius**2 - DIAL_HOLE**2) / whole == pytest.approx(share, abs=2e-4)
        assert not math.isnan(radius)


def test_words_of_numbers():
    texts = [duration(s) for s in (4, 59, 60, 3_540, 3_600, 11_100, 36_000, 4_444_444)]
    assert texts == [
        "4 s",
        "59 s",
        "1 min",
        "59 min",
        "1 h 00 min",
        "3 h 05 min",
        "10 h",
        "1,235 h",
    ]
    assert [percent(x) for x in (0, 0.004, 0.0994, 0.31, 1)] == [
        "0 %",
        "0.4 %",
        "9.9 %",
        "31 %",
        "100 %",
    ]
    assert [count(n, "play") for n in (0, 1, 1200)] == ["0 plays", "1 play", "1,200 plays"]
