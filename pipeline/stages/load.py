"""Fetch and decode ahead of the arithmetic, in order, one bad track at a time.

The next files are fetched and the next one is decoded (in its child process) while the worker's
thread computes, so neither waits for the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.audio.decode import DecodeLimits, Decoder, Wave
from pipeline.errors import DataError
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import Storage
from pipeline.tables.stage_times import FETCHES_AT_ONCE, WAIT

DECODE_AHEAD = 1

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")


@dataclass(frozen=True)
class LoadWork:
    """What a loader needs; crosses Ray as it is."""

    storage: Storage
    sample_rate: int
    max_bytes: int
    decode: DecodeLimits


class Loader:
    """From pending rows to waves.

    In: rows with `uri`.
    Out: (row, Wave or DataError), in the same order.
    """

    def __init__(self, work: LoadWork, *, watch: Stopwatch) -> None:
        self._work = work
        self._watch = watch
        self._decoder = Decoder(sample_rate=work.sample_rate, limits=work.decode)
        self._fetching = ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch")
        self._decoding = ThreadPoolExecutor(1, thread_name_prefix="decode")

    def waves(
        self, rows: Iterable[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], Wave | DataError]]:
        """Loads the rows' tracks."""
        fetched = _ahead(rows, self._fetch, pool=self._fetching, depth=FETCHES_AT_ONCE)
        decoded = _ahead(fetched, self._decode, pool=self._decoding, depth=DECODE_AHEAD)
        return self._watch.awaited(decoded, stage=WAIT)

    def _fetch(self, row: dict[str, Any]) -> tuple[dict[str, Any], bytes | DataError]:
        try:
            with self._watch.timing("fetch"):
                data = self._work.storage.fetch(row["uri"], max_bytes=self._work.max_bytes)
        except DataError as error:
            return row, error
        self._watch.fetched(len(data))
        return row, data

    def _decode(
        self, fetched: tuple[dict[str, Any], bytes | DataError]
    ) -> tuple[dict[str, Any], Wave | DataError]:
        row, data = fetched
        if isinstance(data, DataError):
            return row, data
        try:
            with self._watch.timing("decode"):
                return row, self._decoder.decode(data)
        except DataError as error:
            return row, error


def _ahead(
    items: Iterable[ItemT],
    work: Callable[[ItemT], DoneT],
    *,
    pool: ThreadPoolExecutor,
    depth: int,
) -> Iterator[DoneT]:
    """`map` that keeps `depth` items in work beyond the one that is asked for."""
    queue: deque[Future[DoneT]] = deque()
    for item in items:
        queue.append(pool.submit(work, item))
        if len(queue) > depth:
            yield queue.popleft().result()
    while queue:
        yield queue.popleft().result()
