from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.stages.stopwatch import Stopwatch
from pipeline.tables.receipt import Receipt, Tally


def test_time_is_counted_in_all_threads_and_through_errors():
    watch = Stopwatch()

    def work(fails):
        with watch.timing("decode"):
            time.sleep(0.02)
            if fails:
                raise ValueError("bad")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [False] * 8))
    with pytest.raises(ValueError, match="bad"):
        work(True)
    assert 9 * 0.02 <= watch.take().seconds["decode"] < 9 * 0.02 + 2
    assert not watch.take().seconds


def test_only_the_taker_of_items_is_kept_waiting():
    def items():
        for i in range(3):
            time.sleep(0.02)
            yield i

    watch = Stopwatch()
    taken = []
    for item in watch.awaited(items(), stage="wait"):
        taken.append(item)
        time.sleep(0.05)
    waited_s = watch.take().seconds["wait"]
    assert taken == [0, 1, 2]
    assert 0.06 <= waited_s < 0.15


def test_the_last_receipt_carries_the_times_of_all():
    watch = Stopwatch()
    receipts = [Receipt("k", name, 10, (0,), "a", "a", (True,), Tally(ok=1)) for name in "pq"]
    watch.fetched(7)
    watch.written(5)
    first, last = watch.onto(receipts)
    assert not first.times.bytes_written
    assert (last.times.bytes_fetched, last.times.bytes_written) == (7, 25)
    assert watch.onto([]) == []


def test_a_measurement_costs_microseconds():
    watch = Stopwatch()
    started = time.perf_counter()
    for _ in range(10_000):
        with watch.timing("mel"):
            pass
    assert (time.perf_counter() - started) / 10_000 < 100e-6  # a clip takes 50,000e-6
