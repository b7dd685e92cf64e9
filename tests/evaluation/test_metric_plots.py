from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation import precision_recall_plot
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metric_plots import (
    Bar,
    bars_picture,
    confusion_picture,
    curves_picture,
    reliability_picture,
    short_names,
)
from pipeline.evaluation.precision_recall_plot import precision_recall_picture
from pipeline.taxonomy import TaskKind


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def labelled(num_tags: int, *, kind: TaskKind = TaskKind.MULTILABEL, num_tracks: int = 40):
    rng = np.random.default_rng(num_tags)
    if kind is TaskKind.MULTICLASS:
        targets_NK = np.eye(num_tags, dtype=bool)[rng.integers(0, num_tags, num_tracks)]
    else:
        targets_NK = rng.random((num_tracks, num_tags)) < 0.3
    scores_NK = np.clip(rng.random((num_tracks, num_tags)) + 0.3 * targets_NK, 0, 1)
    return Labelled(
        track_ids=tuple(f"t{i}" for i in range(num_tracks)),
        tags=tuple(f"mood---m{k}" for k in range(num_tags)),
        kind=kind,
        scores_NK=scores_NK.astype(np.float32),
        targets_NK=targets_NK,
    )


def test_names_lose_their_category_only_where_they_stay_different():
    tags = ("mood---calm", "genre---rock", "mood---rock", "loud")
    assert short_names(tags) == ("calm", "genre---rock", "mood---rock", "loud")


@pytest.mark.parametrize("num_tags", [1, 2, 11, 50])
def test_a_confusion_matrix_grows_with_its_classes(num_tags):
    confusion = np.diag(np.arange(num_tags))  # the first class has no tracks
    tags = [f"mood---$m{k}$" for k in range(num_tags)]
    width, height = size(confusion_picture(confusion, tags=tags, title="$"))
    assert min(width, height) > 40 * num_tags


def test_right_answers_shine_on_the_diagonal():
    right = pixels(confusion_picture(np.eye(4, dtype=int), tags=list("abcd"), title=""))
    wrong = pixels(confusion_picture(np.eye(4, dtype=int)[::-1], tags=list("abcd"), title=""))
    bright = (right.astype(int).sum(2) > 600) & (wrong.astype(int).sum(2) < 200)
    rows, columns = np.nonzero(bright)
    assert np.corrcoef(rows, columns)[0, 1] > 0.8


def test_every_tag_has_its_curve_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(precision_recall_plot, "MOST_PANELS", 9)
    heights = [size(precision_recall_picture(labelled(k), title="x"))[1] for k in (1, 5, 9, 30)]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_tag_that_no_track_has_still_has_its_place():
    with_none = labelled(3)
    with_none.targets_NK[:, 1] = False
    assert size(precision_recall_picture(with_none, title="x")) == size(
        precision_recall_picture(labelled(3), title="x")
    )


def test_the_threshold_moves_the_dot():
    low, high = (precision_recall_picture(labelled(2).at((t, t)), title="x") for t in (0.2, 0.8))
    assert low != high


def test_bars_show_what_is_not_defined_and_intervals():
    plain = [Bar("a", 0.5), Bar("b", None)]
    sure = [Bar("a", 0.5, 0.4, 0.6), Bar("b", None)]
    pictures = [bars_picture(bars, title="x", unit="F1") for bars in (plain, sure)]
    assert pictures[0] != pictures[1]
    assert bars_picture(plain, title="x", unit="F1", chance=0.5) != pictures[0]
    assert size(bars_picture([], title="none", unit="F1"))[0] > 100


def test_the_best_bar_is_on_top_whatever_the_order():
    bars = [Bar("low", 0.2), Bar("none", None), Bar("high", 0.9)]
    one = bars_picture(bars, title="x", unit="F1")
    assert one == bars_picture(bars[::-1], title="x", unit="F1")


@pytest.mark.parametrize("kind", [TaskKind.MULTICLASS, TaskKind.MULTILABEL])
@pytest.mark.parametrize("num_tracks", [1, 40])
def test_reliability_can_be_drawn_for_every_task(kind, num_tracks):
    assert size(reliability_picture(labelled(3, kind=kind, num_tracks=num_tracks), title="x"))


def test_equal_curves_both_show():
    points = [(epoch, 1.0 / (epoch + 1)) for epoch in range(6)]
    one = pixels(curves_picture({"a": points}, title="loss", x="epoch", y="loss"))
    two = pixels(curves_picture({"a": points, "b": points}, title="loss", x="epoch", y="loss"))
    orange = (np.abs(two.astype(int) - (0xF0, 0xA3, 0x5E)).sum(2) < 60).sum()
    green = (np.abs(two.astype(int) - (0x3E, 0x77, 0x77)).sum(2) < 60).sum()
    assert min(orange, green) > 200
    assert one.shape == two.shape


@pytest.mark.parametrize(
    "series", [{}, {"a": []}, {"a": [(0, 1.0)]}, {"$a": [(0, 1.0), (1, float("nan")), (2, 0.5)]}]
)
def test_few_or_missing_points_can_be_drawn(series):
    assert size(curves_picture(series, title="loss", x="epoch", y="loss"))[0] > 100
