"""Pictures of mels, tags over time and counts, as PNG bytes, and the style of all pictures.

Figures are objects of their own (no pyplot, no global state), so threads may draw at the same
time. Shape letters: N chunks, M mel bands, F frames, K tags.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from PIL import Image

PAPER, INK, FAINT, BAR = "#10151d", "#e8ecf1", "#8b97a6", "#5cb8b2"
DPI = 200
WIDTH_INCHES, LEFT_INCHES, RIGHT_INCHES = 4.8, 1.12, 0.52
TOP_INCHES, BOTTOM_INCHES = 0.3, 0.42
COLOURS = 160
HZ_TICKS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)


def mel_picture(
    mel_MF: NDArray[np.floating], *, hop_s: float, bands_hz: NDArray[np.float64], title: str
) -> bytes:
    """A mel over time.

    Args:
        mel_MF: (M, F) values as they shall be drawn (decibels, or another logarithm).
        hop_s: time from frame to frame, seconds.
        bands_hz: (M,) centre of each band, hertz; `band_centres_hz` gives them.
        title: above the picture.

    Raises:
        ValueError: the bands are not as many as the mel has.
    """
    num_bands, num_frames = mel_MF.shape
    if len(bands_hz) != num_bands:
        raise ValueError(f"{len(bands_hz)} band centres for {num_bands} bands")
    figure, axes = _figure(height_inches=1.4, title=title)
    values = np.asarray(mel_MF, dtype=np.float32)
    low, high = np.percentile(values, [5, 99.8]) if values.size else (0.0, 1.0)
    extent = (0.0, max(num_frames, 1) * hop_s, -0.5, num_bands - 0.5)
    axes.imshow(
        values, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high
    )
    shown = [hz for hz in HZ_TICKS if bands_hz[0] <= hz <= bands_hz[-1]]
    axes.set_yticks(np.interp(shown, bands_hz, np.arange(num_bands)), [_hertz(hz) for hz in shown])
    axes.set_ylabel("frequency (Hz)")
    _time_axis(axes)
    return png_bytes(figure)


def taggram_picture(
    starts_s: NDArray[np.float64],
    scores_NK: NDArray[np.float32],
    *,
    tags: Sequence[str],
    top: int,
    title: str,
) -> bytes:
    """Tags over time: a row for each of the tags with the highest mean score, best on top.

    Args:
        starts_s: (N,) where the chunks start, seconds.
        scores_NK: (N, K) 0 to 1.
        tags: (K) names.
        top: rows that are drawn.
        title: above the picture.
    """
    ranked = np.argsort(-scores_NK.mean(axis=0), kind="stable") if len(starts_s) else np.arange(0)
    order: list[int] = ranked[:top].tolist()
    figure, axes = _figure(height_inches=0.17 * max(len(order), 1), title=title)
    if order:
        step_s = float(np.median(np.diff(starts_s))) if len(starts_s) > 1 else 1.0
        image = axes.imshow(
            scores_NK[:, order].T,
            aspect="auto",
            interpolation="nearest",
            cmap="viridis",
            vmin=0.0,
            extent=(float(starts_s[0]), float(starts_s[-1]) + step_s, len(order) - 0.5, -0.5),
        )
        _colour_bar(figure, axes=axes, image=image)
    axes.set_yticks(range(len(order)), [plain_text(tags[k]) for k in order])
    _time_axis(axes)
    return png_bytes(figure)


def bar_picture(counts: Sequence[tuple[str, int]], *, title: str, unit: str) -> bytes:
    """Horizontal bars, the first on top: most frequent tags, or failures by reason.

    Args:
        counts: a name and its number each.
        title: above the picture.
        unit: what is counted, under the axis.
    """
    figure, axes = _figure(height_inches=0.19 * max(len(counts), 1), title=title)
    numbers = [number for _, number in counts]
    bars = axes.barh(range(len(counts)), numbers, color=BAR, height=0.72)
    axes.bar_label(bars, [f"{number:,}" for number in numbers], padding=4, color=INK, fontsize=8)
    axes.set_yticks(range(len(counts)), [plain_text(name) for name, _ in counts])
    axes.set_ylim(max(len(counts), 1) - 0.5, -0.5)
    axes.set_xlim(0, max([*numbers, 1]) * 1.12)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_xlabel(unit)
    return png_bytes(figure)


def band_centres_hz(
    *, n_mels: int, f_min: float, f_max: float, mel_scale: str
) -> NDArray[np.float64]:
    """Centres of mel bands, hertz, (M,).

    Args:
        n_mels: bands.
        f_min: lower end of the lowest band, hertz.
        f_max: upper end of the highest band, hertz.
        mel_scale: `htk` (2595 log10(1 + f/700), O'Shaughnessy 1987) or `slaney` (Auditory
            Toolbox 1998: linear to 1 kHz, then 27 steps for a factor of 6.4).

    Raises:
        ValueError: another scale.
    """
    inner = np.arange(1, n_mels + 1, dtype=np.float64) / (n_mels + 1)
    if mel_scale == "htk":
        low, high = (2595.0 * math.log10(1.0 + hz / 700.0) for hz in (f_min, f_max))
        mels = low + (high - low) * inner
        return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))
    if mel_scale != "slaney":
        raise ValueError(f"mel_scale {mel_scale!r} is neither 'htk' nor 'slaney'")
    step = math.log(6.4) / 27.0
    low, high = (
        hz * 3 / 200 if hz < 1000 else 15.0 + math.log(hz / 1000) / step for hz in (f_min, f_max)
    )
    mels = low + (high - low) * inner
    return np.asarray(np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15))))


def _figure(*, height_inches: float, title: str) -> tuple[Figure, Axes]:
    """Axes of a height; all have the same margins, so that time axes lie under each other."""
    whole = height_inches + TOP_INCHES + BOTTOM_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, whole), dpi=DPI, facecolor=PAPER)
    width = (WIDTH_INCHES - LEFT_INCHES - RIGHT_INCHES) / WIDTH_INCHES
    axes = figure.add_axes(
        (LEFT_INCHES / WIDTH_INCHES, BOTTOM_INCHES / whole, width, height_inches / whole)
    )
    dress(axes, title=title)
    return figure, axes


def dress(axes: Axes, *, title: str) -> None:
    """Gives axes the title and the look of all pictures."""
    axes.set_facecolor(PAPER)
    axes.set_title(plain_text(title), color=INK, fontsize=9.5, loc="left")
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.xaxis.label.set(color=FAINT, fontsize=8)
    axes.yaxis.label.set(color=FAINT, fontsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _colour_bar(figure: Figure, *, axes: Axes, image: AxesImage) -> None:
    box = axes.get_position()
    bar = figure.colorbar(image, cax=figure.add_axes((box.x1 + 0.012, box.y0, 0.014, box.height)))
    bar.ax.tick_params(colors=INK, labelsize=7, length=0, pad=2)
    bar.outline.set_visible(False)
    bar.set_label("score", color=FAINT, fontsize=8)


def _time_axis(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda seconds, _: f"{int(seconds) // 60}:{int(seconds) % 60:02d}")
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_xlabel("time (minutes:seconds)")


def _hertz(hz: int) -> str:
    return f"{hz // 1000}k" if hz >= 1000 else str(hz)


def plain_text(text: str) -> str:
    """Text that is drawn as it stands: a dollar sign would start a formula."""
    return text.replace("$", r"\$")


def png_bytes(figure: Figure) -> bytes:
    """The drawn figure as a PNG of few colours."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    data = io.BytesIO()
    # A palette makes a mel a third of the size, and nobody sees the difference.
    image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(data, format="png")
    return data.getvalue()
