"""The mel patches that excite a layer's channels most, as one picture a layer.

Shapes: M mel bands, F frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.box import Box, window
from pipeline.evaluation.tiles import Sheet, fitting

SHEET_INCHES, MARGIN_INCHES, GAP_INCHES = 11.0, 0.12, 0.09
TITLE_INCHES, ROW_LABEL_INCHES, CAPTION_INCHES = 0.5, 0.2, 0.3
HEIGHT_INCHES = (0.55, 1.5)
CONTEXT = 32
"""A window shows at least so many bands and frames, with the patch framed in it."""


@dataclass(frozen=True)
class PatchFacts:
    """Which part of which track a channel answered to.

    Attributes:
        channel: of the layer.
        rank: 1 is the channel's strongest.
        activation: how strong.
        track_id: the track's identity.
        title: may be empty.
        artist: may be empty.
        start_s: of the patch in the track, seconds.
        end_s: of the patch in the track, seconds.
        low_hz: of the patch, hertz.
        high_hz: of the patch, hertz.
    """

    channel: int
    rank: int
    activation: float
    track_id: str
    title: str
    artist: str
    start_s: float
    end_s: float
    low_hz: float
    high_hz: float

    @property
    def name(self) -> str:
        """What a person calls the track."""
        return track_name(self.track_id, title=self.title, artist=self.artist)


@dataclass(frozen=True)
class Patch:
    """A patch that can be drawn.

    Attributes:
        facts: what is written under it.
        mel_MF: the chunk that it is in, as the network reads it.
        box: the part of the chunk that the activation comes from.
    """

    facts: PatchFacts
    mel_MF: NDArray[np.floating]
    box: Box


def track_name(track_id: str, *, title: str, artist: str) -> str:
    """What a person calls a track: title and artist where it has them, else its id."""
    return ", ".join(part for part in (title, artist) if part) or track_id


def patches_picture(channels: Sequence[tuple[int, Sequence[Patch]]], *, title: str) -> bytes:
    """A row for each channel, its strongest patch on the left; all windows have one size.

    Each window has colours of its own, from its faintest to its loudest point.

    Args:
        channels: number and patches, at most as many as the first has.
        title: above the picture.
    """
    size = _window_size([patch for _, patches in channels for patch in patches])
    columns = max((len(patches) for _, patches in channels), default=1) or 1
    width = (SHEET_INCHES - 2 * MARGIN_INCHES + GAP_INCHES) / max(columns, 5) - GAP_INCHES
    height = float(np.clip(width * size[0] / size[1], *HEIGHT_INCHES))
    row_inches = ROW_LABEL_INCHES + height + CAPTION_INCHES + GAP_INCHES
    heights = [row_inches if patches else 1.5 * ROW_LABEL_INCHES for _, patches in channels]
    sheet = Sheet(width_inches=SHEET_INCHES, height_inches=TITLE_INCHES + sum(heights))
    sheet.text(title, x=MARGIN_INCHES, y=0.08, points=9.5)
    legend = (
        f"each window: {size[0]} bands upwards, {size[1]} frames to the right; "
        "frame: what the channel answered to; time and activation below"
    )
    sheet.text(legend, x=MARGIN_INCHES, y=0.27, points=7, faint=True)
    for row, (channel, patches) in enumerate(channels):
        y = TITLE_INCHES + sum(heights[:row])
        silent = "" if patches else ": no track moves it"
        sheet.text(f"channel {channel}{silent}", x=MARGIN_INCHES, y=y, points=8)
        for column, patch in enumerate(patches):
            x = MARGIN_INCHES + column * (width + GAP_INCHES)
            box = (x, y + ROW_LABEL_INCHES, width, height)
            _draw(sheet, patch, size=size, box_inches=box)
    return sheet.png()


def _window_size(patches: Sequence[Patch]) -> tuple[int, int]:
    """Bands and frames that hold every patch of the picture, and some surroundings."""
    bands = max((patch.box.bands for patch in patches), default=1)
    frames = max((patch.box.frames for patch in patches), default=1)
    return max(bands, CONTEXT), max(frames, CONTEXT)


def _draw(
    sheet: Sheet,
    patch: Patch,
    *,
    size: tuple[int, int],
    box_inches: tuple[float, float, float, float],
) -> None:
    x, y, width, height = box_inches
    num_bands, num_frames = patch.mel_MF.shape
    around = window(patch.box, shape=(num_bands, num_frames), size=size)
    shown_MF = np.asarray(
        patch.mel_MF[around.low : around.high, around.start : around.stop], dtype=np.float32
    )
    limits = (float(shown_MF.min()), float(shown_MF.max()))
    sheet.image(shown_MF, box_inches=box_inches, colours="magma", limits=limits)
    per_frame, per_band = width / around.frames, height / around.bands
    inside = (
        x + (patch.box.start - around.start) * per_frame,
        y + (around.high - patch.box.high) * per_band,
        patch.box.frames * per_frame,
        patch.box.bands * per_band,
    )
    sheet.outline(box_inches=inside)
    name = fitting(patch.facts.name, width_inches=width, points=6.5)
    sheet.text(name, x=x, y=y + height + 0.03, points=6.5)
    minutes, seconds = divmod(patch.facts.start_s, 60)
    fact = f"{int(minutes)}:{seconds:04.1f}   {patch.facts.activation:.3g}"
    sheet.text(fact, x=x, y=y + height + 0.15, points=6.5, faint=True)
