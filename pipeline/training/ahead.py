"""Makes the next items in a thread while the last one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

DEPTH = 3

ItemT = TypeVar("ItemT")


def ahead(items: Iterator[ItemT], *, depth: int = DEPTH) -> Iterator[ItemT]:
    """The items in order, up to `depth` of them made before they are asked for.

    What goes wrong while one is made is raised where it is asked for.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = deque(pool.submit(next, items, None) for _ in range(depth))
        while (item := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, items, None))
            yield item
