"""A layer's kernels as a grid of images.

Shapes: C kernels, H bands, W frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.tiles import Sheet

SHEET_INCHES, MARGIN_INCHES, GAP_INCHES = 7.6, 0.12, 0.1
TITLE_INCHES, LABEL_INCHES = 0.5, 0.12
PIXEL_INCHES = 0.11
LEAST_INCHES, MOST_INCHES = (0.36, 0.2), (2.35, 1.25)
"""Smallest and largest width and height of a kernel's image."""
LEAST_SHARE = 1e-3
"""A kernel whose norm is below this share of the largest is marked: training has given it up."""


def norms(kernels_CHW: NDArray[np.floating]) -> NDArray[np.float64]:
    """Euclidean norm of each kernel (C,)."""
    return np.asarray(np.sqrt(np.square(kernels_CHW, dtype=np.float64).sum(axis=(1, 2))))


def normalised(kernels_CHW: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each kernel divided by its largest magnitude, to -1 to 1; one of zeros stays so."""
    largest_C11 = np.abs(kernels_CHW).max(axis=(1, 2), keepdims=True)
    return kernels_CHW / np.where(largest_C11 > 0, largest_C11, 1.0)


def kernel_picture(kernels_CHW: NDArray[np.floating], *, title: str) -> bytes:
    """All kernels, largest norm first, each under its channel's number.

    Frequency runs upwards and time rightwards; red adds to the response, blue takes from it, and
    each kernel has colours of its own.

    Args:
        kernels_CHW: weights; H is 1 for kernels that see no bands.
        title: above the picture.
    """
    num_kernels, bands, frames = kernels_CHW.shape
    width = float(np.clip(frames * PIXEL_INCHES, LEAST_INCHES[0], MOST_INCHES[0]))
    height = float(np.clip(bands * PIXEL_INCHES, LEAST_INCHES[1], MOST_INCHES[1]))
    step_x, step_y = width + GAP_INCHES, height + LABEL_INCHES + GAP_INCHES
    columns = max(1, int((SHEET_INCHES - 2 * MARGIN_INCHES + GAP_INCHES) / step_x))
    rows = -(-num_kernels // columns)
    sheet = Sheet(
        width_inches=SHEET_INCHES, height_inches=TITLE_INCHES + rows * step_y + MARGIN_INCHES
    )
    sheet.text(title, x=MARGIN_INCHES, y=0.08, points=9.5)
    legend = (
        "channels by norm, ~0: below a thousandth of the largest; red adds, blue takes away; "
        "frequency upwards, time to the right"
    )
    sheet.text(legend, x=MARGIN_INCHES, y=0.27, points=7, faint=True)
    shown_CHW, norms_C = normalised(kernels_CHW), norms(kernels_CHW)
    order: list[int] = np.argsort(-norms_C, kind="stable").tolist()
    for place, channel in enumerate(order):
        x = MARGIN_INCHES + place % columns * step_x
        y = TITLE_INCHES + place // columns * step_y
        given_up = " ~0" if norms_C[channel] < LEAST_SHARE * norms_C[order[0]] else ""
        sheet.text(f"{channel}{given_up}", x=x, y=y, points=6.5, faint=True)
        box = (x, y + LABEL_INCHES, width, height)
        sheet.image(shown_CHW[channel], box_inches=box, colours="RdBu_r", limits=(-1, 1))
    return sheet.png()
