"""Where chunks start, and how short audio fills one: pure arithmetic, in samples or in frames."""

from __future__ import annotations

from enum import StrEnum


class Tail(StrEnum):
    """What becomes of the rest after the last full chunk."""

    DROP = "drop"
    """No chunk passes the end; the rest is not looked at."""

    PAD = "pad"
    """Chunks go on at the same distance until the end is covered; the last one passes it."""

    ALIGN = "align"
    """One more chunk, moved back so that it ends at the end."""


def chunk_starts(length: int, *, chunk: int, hop: int, tail: Tail) -> list[int]:
    """Starts of the chunks of something `length` long; all in one unit, samples or frames.

    Nothing has no chunks. What is shorter than a chunk has none with DROP, and with PAD and ALIGN
    the one at 0, which passes the end.

    Raises:
        ValueError: `chunk` or `hop` is below 1, or `length` below 0.
    """
    if chunk < 1 or hop < 1 or length < 0:
        raise ValueError(f"no chunks of {chunk} every {hop} in {length}")
    full = list(range(0, length - chunk + 1, hop))
    if tail is Tail.DROP or length == 0 or (full and full[-1] + chunk == length):
        return full
    if tail is Tail.ALIGN:
        return [*full, max(0, length - chunk)]
    # as long as the chunk before does not reach the end, and while there is something to hold
    return list(range(0, max(1, min(length, length - chunk + hop)), hop))


def spread_starts(length: int, *, chunk: int, count: int) -> list[int]:
    """Starts of `count` chunks at equal distances; they overlap, or leave gaps, and miss the end.

    So sota-music-tagging-models judges a track (`hop = (length - chunk) // count`). Where they
    coincide, there are fewer; what is no longer than a chunk has the one at 0.

    Raises:
        ValueError: `chunk` or `count` is below 1, or `length` below 0.
    """
    if chunk < 1 or count < 1 or length < 0:
        raise ValueError(f"no {count} chunks of {chunk} in {length}")
    hop = max(0, length - chunk) // count
    return [i * hop for i in range(count)] if hop else [0]


def num_repeats(length: int, *, chunk: int) -> int:
    """How often something must stand in a row to fill a chunk; 1 when it is long enough.

    Raises:
        ValueError: `length` is below 1: nothing cannot be repeated.
    """
    if length < 1:
        raise ValueError("there is nothing to repeat")
    return max(1, -(-chunk // length))
