from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from workspace import RATE_HZ, write_broken, write_tones

from pipeline.audio.decode import DecodeLimits, Wave
from pipeline.errors import DataError
from pipeline.stages.load import Loader, LoadWork, _ahead
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import Storage

LIMITS = DecodeLimits(min_s=1.0, max_s=60.0, timeout_s=20.0, memory_bytes=2**30)


def test_tracks_come_in_order_and_a_bad_one_costs_itself(tmp_path):
    write_tones(tmp_path, num_tracks=8)
    reasons = write_broken(tmp_path)
    work = LoadWork(Storage(), sample_rate=RATE_HZ, max_bytes=2**20, decode=LIMITS)
    loader = Loader(work, watch=(watch := Stopwatch()))
    paths = [*sorted(tmp_path.iterdir()), tmp_path / "gone.wav"]
    rows = [{"uri": str(path), "row": i} for i, path in enumerate(paths)]
    loaded = list(loader.waves(rows))
    assert [row["row"] for row, _ in loaded] == list(range(len(rows)))
    for path, (_, wave) in zip(paths, loaded, strict=True):
        if path.stem.startswith("t"):
            assert isinstance(wave, Wave)
            assert wave.duration_s == pytest.approx(4.0, abs=0.1)
        else:
            assert isinstance(wave, DataError)
            assert wave.reason == reasons.get(path.stem, "missing")
    times = watch.take()
    assert set(times.seconds) == {"fetch", "decode", "wait"}
    assert times.bytes_fetched == sum(p.stat().st_size for p in paths if p.exists())
    assert watch.take().bytes_fetched == 0


def test_work_runs_ahead_only_as_far_as_it_may():
    started = []

    def work(item):
        started.append(item)
        return item * 2

    with ThreadPoolExecutor(1) as pool:
        results = _ahead(range(10), work, pool=pool, depth=2)
        assert next(results) == 0
        time.sleep(0.2)
        assert started == [0, 1, 2]
        assert list(results) == [2, 4, 6, 8, 10, 12, 14, 16, 18]


def test_a_bug_is_not_swallowed():
    def work(item):
        raise ZeroDivisionError(item)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        list(_ahead([1], work, pool=pool, depth=1))
