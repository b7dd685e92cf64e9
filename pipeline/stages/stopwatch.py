"""Measures what a worker's stages take, in all of its threads."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from pipeline.tables.receipt import Receipt
from pipeline.tables.stage_times import StageTimes

ItemT = TypeVar("ItemT")


class Stopwatch:
    """Adds up seconds by stage and bytes; a pair of readings costs about a microsecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Counts the time until the context ends, also when it ends with an error."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._add(stage, time.perf_counter() - started)

    def awaited(self, items: Iterator[ItemT], *, stage: str) -> Iterator[ItemT]:
        """The items, with the time that each keeps its taker waiting."""
        while True:
            started = time.perf_counter()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self._add(stage, time.perf_counter() - started)
            yield item

    def fetched(self, num_bytes: int) -> None:
        """Counts bytes read."""
        with self._lock:
            self._bytes_fetched += num_bytes

    def written(self, num_bytes: int) -> None:
        """Counts bytes of files that no receipt tells the size of."""
        with self._lock:
            self._bytes_written += num_bytes

    def onto(self, receipts: list[Receipt]) -> list[Receipt]:
        """Puts what was measured since the last call onto the last receipt."""
        if not receipts:
            return receipts
        times = self.take().plus(StageTimes(bytes_written=sum(r.size_bytes for r in receipts)))
        return [*receipts[:-1], replace(receipts[-1], times=times)]

    def take(self) -> StageTimes:
        """What was measured since the last call."""
        with self._lock:
            times = StageTimes(dict(self._seconds), self._bytes_fetched, self._bytes_written)
            self._reset()
        return times

    def _add(self, stage: str, seconds: float) -> None:
        with self._lock:
            self._seconds[stage] += seconds

    def _reset(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._bytes_fetched = 0
        self._bytes_written = 0
