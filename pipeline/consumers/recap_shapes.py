"""Geometry and words of a recap's page and table: shares of bars, a dial of 24 hours, durations."""

from __future__ import annotations

import math
from collections.abc import Sequence

DIAL_RADIUS, DIAL_HOLE = 100.0, 34.0
GAP_DEGREES = 1.6


def shares(values: Sequence[float]) -> list[float]:
    """Values as shares of the largest, 0 to 1; all 0 if none is above 0."""
    largest = max(values, default=0.0)
    return [value / largest if largest > 0 else 0.0 for value in values]


def dial(values: Sequence[float]) -> list[str]:
    """SVG paths of sectors around (0, 0), the first from 12 o'clock, clockwise.

    The area of a sector is in proportion to its value; the largest reaches DIAL_RADIUS.

    Args:
        values: of the sectors, 0 or above.
    """
    step = 360.0 / len(values)
    paths = []
    for i, share in enumerate(shares(values)):
        outer = math.sqrt(DIAL_HOLE**2 + share * (DIAL_RADIUS**2 - DIAL_HOLE**2))
        start, end = i * step + GAP_DEGREES / 2, (i + 1) * step - GAP_DEGREES / 2
        corners = [
            _point(outer, start),
            _point(outer, end),
            _point(DIAL_HOLE, end),
            _point(DIAL_HOLE, start),
        ]
        paths.append(
            f"M{corners[0]} A{outer:.2f} {outer:.2f} 0 0 1 {corners[1]} "
            f"L{corners[2]} A{DIAL_HOLE:.2f} {DIAL_HOLE:.2f} 0 0 0 {corners[3]} Z"
        )
    return paths


def _point(radius: float, degrees: float) -> str:
    angle = math.radians(degrees - 90.0)
    return f"{radius * math.cos(angle):.2f} {radius * math.sin(angle):.2f}"


def duration(seconds: float) -> str:
    """A time as people say it: `35 s`, `42 min`, `3 h 05 min`, `1,234 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 10 else f"{round(seconds / 3600):,} h"


def percent(share: float) -> str:
    """A share as a percentage, with a decimal below 10 %."""
    value = 100.0 * share
    return f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 play`, `1,200 plays`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
