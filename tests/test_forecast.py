from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.forecast import GPU, Hardware, TrackCost, forecast

TWO_CORES = Hardware(2, 0, 0.0, cpu_speed=1.0, efficiency=1.0, price_per_hour=0.0)
COST = TrackCost(
    weight_s=30.0,
    audio_s=30.0,
    seconds={"fetch": 0.01, "decode": 0.06, "infer": 0.3, "write": 0.03},
    fetch_cpu_s=0.01,
    chunks=10,
    stored_bytes=600.0,
    reason="",
)
COSTS = st.lists(
    st.builds(
        lambda weight_s, decode_s, chunks: replace(
            COST,
            weight_s=weight_s,
            audio_s=weight_s,
            seconds={"fetch": 0.0, "decode": decode_s},
            chunks=chunks,
        ),
        st.floats(1.0, 600.0),
        st.floats(0.001, 2.0),
        st.integers(1, 200),
    ),
    min_size=1,
    max_size=20,
)


def test_tracks_that_are_all_alike_leave_no_doubt():
    found = forecast([COST] * 8, weight_s=3_000.0, hardware=TWO_CORES, seed=0)
    seconds = found.seconds
    assert (seconds.low, seconds.middle, seconds.high) == pytest.approx((20.0, 20.0, 20.0))
    assert found.core_s.middle == pytest.approx(0.4 / 30)
    assert found.stored_bytes.middle == pytest.approx(60_000.0)
    assert found.limit == "infer"
    assert found.core_shares["infer"] == pytest.approx(0.75)


@given(COSTS, st.integers(1, 64))
def test_more_cores_take_as_much_less_and_the_interval_holds_the_tracks(costs, cores):
    one = forecast(costs, weight_s=9e4, hardware=replace(TWO_CORES, cores=1), seed=1)
    more = forecast(costs, weight_s=9e4, hardware=replace(TWO_CORES, cores=cores), seed=1)
    assert more.seconds.middle == pytest.approx(one.seconds.middle / cores)
    rates = [9e4 * sum(cost.seconds.values()) / cost.weight_s for cost in costs]
    least, most = min(rates) * 0.99, (max(rates) + 9e4 * 0.01) * 1.01
    assert least <= one.seconds.low <= one.seconds.high <= most


def test_a_store_that_answers_slowly_limits():
    slow = replace(COST, seconds=COST.seconds | {"fetch": 8.0})
    found = forecast([slow], weight_s=30.0, hardware=TWO_CORES, seed=0)
    assert found.limit == "fetch"
    assert found.seconds.middle == pytest.approx(8.0 / 4 / 2)


def test_a_gpu_takes_the_network_off_the_cores():
    node = replace(TWO_CORES, gpus=1, gpu_chunks_per_s=1_000.0)
    fast = forecast([COST], weight_s=30.0, hardware=node, seed=0)
    assert fast.limit == "decode"
    assert fast.seconds.middle == pytest.approx((0.06 + 0.03 + 0.01) / 2)
    slow = forecast([COST], weight_s=30.0, hardware=replace(node, gpu_chunks_per_s=50.0), seed=0)
    assert slow.limit == GPU
    assert slow.seconds.middle == pytest.approx(10 / 50)


def test_failed_tracks_give_no_audio():
    failed = replace(COST, audio_s=0.0, reason="not_audio")
    found = forecast([COST, failed], weight_s=60.0, hardware=TWO_CORES, seed=0)
    assert found.audio_s.middle == pytest.approx(30.0)
    with pytest.raises(ValueError, match="decoded"):
        forecast([failed], weight_s=60.0, hardware=TWO_CORES, seed=0)
