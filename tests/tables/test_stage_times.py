from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables.receipt import Receipt, Tally
from pipeline.tables.stage_times import STAGES, WAIT, StageTimes

TIMES = st.builds(
    StageTimes,
    st.dictionaries(st.sampled_from((*STAGES, WAIT)), st.integers(1, 10**6).map(float)),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)


@given(TIMES, TIMES)
def test_times_add_up_stage_by_stage(one, two):
    both = one.plus(two)
    assert both.seconds == two.plus(one).seconds
    assert sum(both.seconds.values()) == sum([*one.seconds.values(), *two.seconds.values()])
    assert both.bytes_fetched == one.bytes_fetched + two.bytes_fetched
    assert one.plus(StageTimes()).seconds == one.seconds


@given(TIMES)
def test_a_receipt_carries_its_times_through_json(times):
    receipt = Receipt("k", "p", 9, (0, 1), "a", "b", (True, False), Tally(ok=1), times)
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_waiting_is_no_work():
    times = StageTimes({"write": 1.0, "wait": 5.0, "decode": 2.0})
    assert list(times.work.items()) == [("decode", 2.0), ("write", 1.0)]
    assert times.wait_s == 5.0
