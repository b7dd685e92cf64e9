"""Pictures of how good a model is, as PNG bytes, in the style of plots.py.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.plots import BAR, DPI, FAINT, INK, PAPER, dress, plain_text, png_bytes
from pipeline.taxonomy import SEPARATOR, TaskKind

LINES = ("#5cb8b2", "#f0a35e", "#b79cf2", "#e8748a", "#9ccc65", "#e8ecf1")
WARM = "#f0a35e"
FEW_CLASSES = 16
"""A confusion matrix of up to so many has room for counts and shares in its cells."""
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Bar:
    """One bar: a value with its interval; None where it is not defined."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


def short_names(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags without their categories, where that leaves them different."""
    names = [tag.rpartition(SEPARATOR)[2] for tag in tags]
    times = Counter(names)
    return tuple(name if times[name] == 1 else tag for name, tag in zip(names, tags, strict=True))


def confusion_picture(
    confusion_KK: NDArray[np.integer], *, tags: Sequence[str], title: str
) -> bytes:
    """A confusion matrix: what the tracks of each class were taken for.

    The colour is the share of the row. Cells hold the number of tracks, with few classes also the
    share.

    Args:
        confusion_KK: (K, K) tracks, rows are the truth.
        tags: (K).
        title: above the picture.
    """
    num_tags = len(tags)
    totals_K1 = confusion_KK.sum(1, keepdims=True)
    shares_KK = confusion_KK / np.maximum(totals_K1, 1)
    few = num_tags <= FEW_CLASSES
    side = num_tags * (0.46 if few else 0.21)
    figure, axes = _figure(width=side + 2.4, height=side + 1.8, title=title)
    image = axes.imshow(shares_KK, cmap="magma", norm=PowerNorm(0.6, 0.0, 1.0))
    for row, column in zip(*np.nonzero(confusion_KK), strict=True):
        share, count = shares_KK[row, column], confusion_KK[row, column]
        axes.text(
            column,
            row,
            f"{count:,}\n{share:.0%}" if few else f"{count}",
            ha="center",
            va="center",
            color=PAPER if share > 0.5 else INK,
            fontsize=7 if few else 5,
        )
    names = [plain_text(name) for name in short_names(tags)]
    rows = [f"{name} ({n:,})" for name, n in zip(names, totals_K1[:, 0], strict=True)]
    axes.set_xticks(range(num_tags), names, rotation=90, fontsize=8 if few else 7)
    axes.set_yticks(range(num_tags), rows, fontsize=8 if few else 7)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true (tracks)")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, format=PercentFormatter(1.0))
    bar.ax.tick_params(colors=INK, labelsize=7, length=0)
    bar.outline.set_visible(False)
    bar.set_label("share of the true class", color=FAINT, fontsize=8)
    return png_bytes(figure)


def bars_picture(
    bars: Sequence[Bar], *, title: str, unit: str, chance: float | None = None
) -> bytes:
    """A metric of each tag with its interval, the best on top.

    Args:
        bars: values from 0 to 1.
        title: above the picture.
        unit: name of the metric, under the axis.
        chance: where chance is; drawn as a dashed line.
    """
    ranked = sorted(bars, key=lambda bar: math.inf if bar.value is None else -bar.value)
    figure, axes = _figure(width=5.6, height=0.2 * max(len(ranked), 1) + 0.9, title=title)
    for place, bar in enumerate(ranked):
        if bar.value is None:
            axes.text(0.01, place, "not defined", color=FAINT, fontsize=7, va="center")
            continue
        axes.barh(place, bar.value, color=BAR, height=0.66)
        if bar.low is not None and bar.high is not None:
            for colour, linewidth in ((PAPER, 3.4), (INK, 1.4)):
                axes.plot([bar.low, bar.high], [place, place], color=colour, linewidth=linewidth)
        axes.text(1.02, place, f"{bar.value:.3f}", color=INK, fontsize=7, va="center")
    if chance is not None:
        axes.axvline(chance, color=WARM, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(ranked)), [plain_text(bar.name) for bar in ranked])
    axes.set_ylim(max(len(ranked), 1) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.1)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_xlabel(unit if chance is None else f"{unit} (dashed: chance)")
    return png_bytes(figure)


def reliability_picture(labelled: Labelled, *, title: str) -> bytes:
    """How often a score comes true (scikit-learn's calibration curve), over how often it is given.

    Of a multiclass model the score of the predicted class is judged, of the others each score of
    each tag.

    Args:
        labelled: scores beside the truth.
        title: above the picture.
    """
    if labelled.kind is TaskKind.MULTICLASS:
        picked = labelled.predictions()
        scores, hits = labelled.scores_NK.max(1), labelled.targets_NK[picked]
    else:
        scores, hits = labelled.scores_NK.ravel(), labelled.targets_NK.ravel()
    figure, axes = _figure(width=4.2, height=4.4, title=title)
    counts = axes.inset_axes((0, -0.3, 1, 0.22), sharex=axes)
    dress(counts, title="")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--")
    if len(scores):
        true, mean = calibration_curve(
            hits.astype(int), scores, n_bins=CALIBRATION_BINS, pos_label=1
        )
        axes.plot(mean, true, color=BAR, marker="o", markersize=5, clip_on=False)
        bins = [i / CALIBRATION_BINS for i in range(CALIBRATION_BINS + 1)]
        counts.hist(scores, bins=bins, color=BAR, rwidth=0.9)
        counts.set_yscale("log")
        counts.tick_params(which="minor", length=0)
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is true")
    axes.tick_params(labelbottom=False)
    counts.set_xlabel("score")
    counts.set_ylabel("scores")
    return png_bytes(figure)


def curves_picture(
    series: Mapping[str, Sequence[tuple[float, float]]], *, title: str, x: str, y: str
) -> bytes:
    """Curves over each other, such as the loss of several runs by epoch.

    The first of several is broad and lies beneath the others, so that equal curves both show.

    Args:
        series: points (x, y) of each curve by its name; values that are no numbers leave gaps.
        title: above the picture.
        x: under the axis.
        y: beside the axis.
    """
    figure, axes = _figure(width=5.6, height=3.4, title=title)
    for i, (name, points) in enumerate(series.items()):
        places = [place for place, _ in points]
        values = [value for _, value in points]
        axes.plot(
            places,
            values,
            label=plain_text(name),
            color=LINES[i % len(LINES)],
            linewidth=1.4 if i or len(series) == 1 else 4.5,
            alpha=1.0 if i or len(series) == 1 else 0.6,
            marker="o" if len(points) < 2 else None,
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.grid(color=FAINT, alpha=0.2, linewidth=0.6)
    axes.set_xlabel(plain_text(x))
    axes.set_ylabel(plain_text(y))
    if series:
        axes.legend(facecolor=PAPER, edgecolor=PAPER, labelcolor=INK, fontsize=8)
    return png_bytes(figure)


def _figure(*, width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Axes that leave room for whatever stands around them; sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    axes = figure.subplots()
    dress(axes, title=title)
    return figure, axes
