"""Work that takes seconds, apart from the server's own threads: few at once, few that wait."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from pipeline.errors import UserError

ResultT = TypeVar("ResultT")


class Heavy(Generic[ResultT]):
    """Does each piece of work once, and keeps the last results.

    Args:
        num_workers: at the same time.
        num_waiting: pieces that may wait; more are refused.
        num_kept: results that are kept.
    """

    def __init__(self, *, num_workers: int, num_waiting: int, num_kept: int) -> None:
        self._pool = ThreadPoolExecutor(num_workers, thread_name_prefix="earmark-heavy")
        self._most_open, self._num_kept = num_workers + num_waiting, num_kept
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Future[ResultT]] = OrderedDict()

    def done(self, key: Hashable) -> ResultT | None:
        """A result that is there."""
        with self._lock:
            future = self._known.get(key)
        if future is None or not future.done() or future.exception() is not None:
            return None
        return future.result()

    def begin(self, key: Hashable, work: Callable[[], ResultT]) -> Future[ResultT]:
        """The result of the work, or the one that is under way; a failed one is tried anew.

        Raises:
            UserError: too much is waiting already.
        """
        with self._lock:
            known = self._known.pop(key, None)
            if known is not None and not (known.done() and known.exception() is not None):
                self._known[key] = known
                return known
            if sum(not future.done() for future in self._known.values()) >= self._most_open:
                raise UserError("too many tracks wait to be heard; try again in a moment")
            future = self._known[key] = self._pool.submit(work)
            over = len(self._known) - self._num_kept
            for old in [one for one, kept in self._known.items() if kept.done()][: max(0, over)]:
                del self._known[old]
            return future

    def close(self) -> None:
        """Waits for what is under way; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
