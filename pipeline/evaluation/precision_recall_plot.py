"""Precision-recall curves of many tags in one picture, as PNG bytes.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, precision_recall_curve

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metric_plots import WARM, short_names
from pipeline.evaluation.plots import BAR, DPI, FAINT, INK, PAPER, dress, plain_text, png_bytes

MOST_PANELS = 60
FEW_PANELS = 16
"""Up to so many stand in four columns, more in six."""


def precision_recall_picture(labelled: Labelled, *, title: str) -> bytes:
    """A precision-recall curve a tag (scikit-learn), with the prevalence and the threshold.

    The dashed line is the tag's share of the tracks: what drawing tracks by chance would give. The
    dot is where the tag's threshold lies; a multiclass prediction has none. With more than
    `MOST_PANELS` tags those with the most tracks are drawn.

    Args:
        labelled: scores beside the truth.
        title: above the picture.
    """
    positives_K = labelled.targets_NK.sum(0)
    shown = sorted(np.argsort(-positives_K, kind="stable")[:MOST_PANELS].tolist())
    columns = min(len(shown), 4 if len(shown) <= FEW_PANELS else 6) or 1
    rows = max(1, math.ceil(len(shown) / columns))
    width, height = max(columns * 1.6 + 0.6, 3.4), rows * 1.75 + 0.7
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER)
    # By hand: a layout engine takes seconds for as many axes.
    margins = {"left": 0.55 / width, "right": 1 - 0.1 / width, "bottom": 0.5 / height}
    margins |= {"top": 1 - 0.7 / height, "wspace": 0.14, "hspace": 0.42}
    grid = figure.subplots(
        rows, columns, sharex=True, sharey=True, squeeze=False, gridspec_kw=margins
    )
    grid[0, 0].set(xlim=(-0.02, 1.02), ylim=(0, 1.04))  # of all: the axes are shared
    grid[0, 0].set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    grid[0, 0].set_yticks((0, 0.5, 1))
    names = short_names(labelled.tags)
    for place, axes in enumerate(grid.flat):
        if place < len(shown):
            _precision_recall(axes, labelled, k=shown[place], name=names[shown[place]])
        else:
            axes.set_visible(False)
    for axes in grid.flat[max(0, len(shown) - columns) : len(shown)]:
        axes.tick_params(labelbottom=True)
    legend = "recall     (dashed: share of the tracks that have the tag; dot: its threshold)"
    _label_outside(figure, title=title, x=legend, y="precision")
    return png_bytes(figure)


def _precision_recall(axes: Axes, labelled: Labelled, *, k: int, name: str) -> None:
    targets_N, scores_N = labelled.targets_NK[:, k], labelled.scores_NK[:, k]
    num_positives = int(targets_N.sum())
    dress(axes, title="")
    if not num_positives:
        axes.set_title(plain_text(name), color=FAINT, fontsize=7.5, loc="left")
        axes.text(0.5, 0.5, "no track has it", color=FAINT, fontsize=7, ha="center")
        return
    precision, recall, _ = precision_recall_curve(targets_N, scores_N)
    area = average_precision_score(targets_N, scores_N)
    title = f"{plain_text(name)}\nPR-AUC {area:.2f}, {num_positives:,} tracks"
    axes.set_title(title, color=INK, fontsize=7, loc="left")
    axes.axhline(num_positives / len(targets_N), color=WARM, linewidth=0.9, linestyle="--")
    axes.plot(recall, precision, color=BAR, linewidth=1.4)
    predicted_N = labelled.predictions()[:, k]
    if predicted_N.any():
        hits = int((targets_N & predicted_N).sum())
        axes.plot(hits / num_positives, hits / predicted_N.sum(), "o", color=INK, markersize=3.5)


def _label_outside(figure: Figure, *, title: str, x: str, y: str) -> None:
    height = figure.get_figheight()
    top, low = 1 - 0.08 / height, 0.06 / height
    figure.suptitle(plain_text(title), color=INK, fontsize=9.5, x=0.01, y=top, ha="left", va="top")
    figure.supxlabel(x, color=FAINT, fontsize=8, y=low, va="bottom")
    figure.supylabel(y, color=FAINT, fontsize=8, x=0.08 / figure.get_figwidth())
