"""What every Delta commit says of itself: the code that wrote it, and the run it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from pipeline.revision import this_code

_OF_RUN: ContextVar[Mapping[str, str]] = ContextVar("of_run", default=MappingProxyType({}))


@contextmanager
def noting(**facts: str) -> Iterator[None]:
    """Every commit of this thread carries the facts while the context is open.

    A run is known at the top of a job, and its commits happen far below.
    """
    token = _OF_RUN.set({**_OF_RUN.get(), **facts})
    try:
        yield
    finally:
        _OF_RUN.reset(token)


def commit_note(**facts: str) -> dict[str, str]:
    """Custom metadata of a commit: these facts, those of the run, and the code's."""
    return {**this_code().facts(), **_OF_RUN.get(), **facts}
