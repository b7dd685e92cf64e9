"""Rectangles of a mel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """Bands low to high and frames start to stop of a mel, ends excluded."""

    low: int
    high: int
    start: int
    stop: int

    @property
    def bands(self) -> int:
        """Its height."""
        return self.high - self.low

    @property
    def frames(self) -> int:
        """Its width."""
        return self.stop - self.start


def window(box: Box, *, shape: tuple[int, int], size: tuple[int, int]) -> Box:
    """A rectangle around a box, in its middle where the mel's ends allow it.

    Args:
        box: lies within the mel.
        shape: bands and frames of the mel.
        size: bands and frames that are wanted; the whole mel where it has fewer.
    """
    bands, frames = min(size[0], shape[0]), min(size[1], shape[1])
    low = min(max((box.low + box.high - bands) // 2, 0), shape[0] - bands)
    start = min(max((box.start + box.stop - frames) // 2, 0), shape[1] - frames)
    return Box(low, low + bands, start, start + frames)
