"""Many small images on one sheet, each with a line of text, as a PNG.

One pair of axes holds all of them, in inches from the upper left corner: an axes object for each
image would take a minute for a thousand of them.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pipeline.evaluation.plots import FAINT, INK, PAPER, plain_text, png_bytes

DPI = 150
POINT_INCHES = 1 / 72


class Sheet:
    """A figure of fixed size; images and texts are placed by their upper left corner.

    Args:
        width_inches: of the whole figure.
        height_inches: of the whole figure.
    """

    def __init__(self, *, width_inches: float, height_inches: float) -> None:
        self._size = (width_inches, height_inches)
        self._figure = Figure(figsize=self._size, dpi=DPI, facecolor=PAPER)
        self._axes: Axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.axis("off")

    def image(
        self,
        values: NDArray[np.floating],
        *,
        box_inches: tuple[float, float, float, float],
        colours: str,
        limits: tuple[float, float],
    ) -> None:
        """Draws values (rows upwards, columns rightwards) into (x, y, width, height)."""
        x, y, width, height = box_inches
        self._axes.imshow(
            values,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(x, x + width, y + height, y),
            cmap=colours,
            vmin=limits[0],
            vmax=limits[1],
        )

    def outline(self, *, box_inches: tuple[float, float, float, float]) -> None:
        """Draws a thin frame at (x, y, width, height)."""
        x, y, width, height = box_inches
        frame = Rectangle((x, y), width, height, fill=False, edgecolor=INK, linewidth=0.7)
        self._axes.add_patch(frame)

    def text(
        self, content: str, *, x: float, y: float, points: float = 7.0, faint: bool = False
    ) -> None:
        """Writes a line whose upper left corner is at x, y."""
        colour = FAINT if faint else INK
        self._axes.text(x, y, plain_text(content), color=colour, fontsize=points, va="top")

    def png(self) -> bytes:
        """The sheet."""
        width, height = self._size
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        return png_bytes(self._figure)


def fitting(text: str, *, width_inches: float, points: float) -> str:
    """The text, cut to about a width; letters are taken as 0.6 of their size wide."""
    room = max(1, int(width_inches / (0.6 * points * POINT_INCHES)))
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"
