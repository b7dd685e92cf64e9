"""Work that was begun beside the server: whether it runs, since when, and what came of it."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Begun(Generic[ResultT]):
    """Work of one kind.

    Attributes:
        begun_s: when, on the monotonic clock.
        future: what comes of it.
    """

    begun_s: float
    future: Future[ResultT]

    @property
    def is_running(self) -> bool:
        """Whether it is not done yet."""
        return not self.future.done()

    @property
    def elapsed_s(self) -> float:
        """Time since it was begun, seconds."""
        return time.monotonic() - self.begun_s

    @property
    def error(self) -> BaseException | None:
        """Why it failed; None if it did not, or has not yet, or was never started."""
        ended = self.future.done() and not self.future.cancelled()
        return self.future.exception() if ended else None

    @property
    def result(self) -> ResultT | None:
        """What came of it, if it ended well."""
        ended = self.future.done() and not self.future.cancelled()
        return self.future.result() if ended and self.error is None else None
