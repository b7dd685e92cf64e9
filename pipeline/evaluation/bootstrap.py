"""How sure a metric is: intervals and comparisons by bootstrap over tracks.

A resample draws as many tracks as there are, with replacement; intervals hold the middle 95 % of
the resamples' figures (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13).
A resample that does not define a figure, for instance because it drew no track with a tag, is left
out for that figure; macro averages take the tags that it does define.

Average precision and the calibration error of a resample lie a little above those of the tracks (a
track that is drawn twice ties with itself, a bin's mean strays), so their intervals do too.

The intervals say how much the figures depend on which tracks were drawn, if tracks are drawn one
by one. They do not know that tracks of one artist or instrument resemble each other, and not how
much another run of training would differ.

Shapes: N tracks, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import AREA_METRICS, METRICS, check_metric
from pipeline.evaluation.weighted import (
    Counts,
    Floats,
    Judged,
    area_figures,
    figures,
    judge,
    mean_figures,
)
from pipeline.taxonomy import TaskKind

PERCENTILES = (2.5, 97.5)
_BLOCK_CELLS = 160_000  # counts at once: what stays in a core's cache is twice as fast
_LEAST_BLOCK = 16  # resamples at once, however many tracks

Figures = Callable[[Judged, Counts], dict[str, Floats]]


@dataclass(frozen=True)
class Interval:
    """A figure of the tracks as they are, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """Two models on the same resamples of the same tracks.

    Attributes:
        metric: its name.
        before: of the first model.
        after: of the second.
        difference: after less before; where lower is better, a gain is negative.
        better_fraction: share of the resamples in which the second is better; equal is not.
    """

    metric: str
    before: float
    after: float
    difference: Interval
    better_fraction: float


def intervals(labelled: Labelled, *, num_resamples: int, seed: int) -> dict[str, Interval]:
    """95 % intervals of every metric of `METRICS`, and of `f1/TAG` and the like for each tag.

    Precision, recall, f1, roc_auc and pr_auc stand for each tag. A figure that the tracks do not
    define is missing. The answer depends on the seed, never on the machine's memory.

    Args:
        labelled: the tracks.
        num_resamples: 1,000 fix the ends to about a tenth of the interval's half width.
        seed: of the draws.
    """
    judged = judge(labelled)
    resampled = _resampled(judged, figures, num_resamples=num_resamples, seed=seed)
    return {
        name: _interval(float(values[0]), resampled[name])
        for name, values in figures(judged, _once(judged)).items()
        if not np.isnan(values[0])
    }


def paired(
    before: Labelled, after: Labelled, *, metric: str, num_resamples: int, seed: int
) -> Paired:
    """Whether the second model is better on these tracks.

    Args:
        before: the first model's scores.
        after: the second's, of the same tracks and tags in the same order.
        metric: of `METRICS`.
        num_resamples: of the tracks.
        seed: of the draws.

    Raises:
        ValueError: an unknown metric, tracks, tags or truth that differ, or a metric that the
            tracks do not define.
    """
    check_metric(metric)
    _check_pair(before, after)
    of_metric: Figures = area_figures if metric in AREA_METRICS else mean_figures
    both = judge(before), judge(after)
    first, second = (float(of_metric(judged, _once(judged))[metric][0]) for judged in both)
    if np.isnan(first) or np.isnan(second):
        raise ValueError(f"{metric} is not defined for these {len(before.track_ids)} tracks")
    first_R, second_R = (
        _resampled(judged, of_metric, num_resamples=num_resamples, seed=seed)[metric]
        for judged in both
    )
    difference_R = (second_R - first_R)[~np.isnan(first_R)]
    gains_R = difference_R if METRICS[metric] else -difference_R
    return Paired(
        metric=metric,
        before=first,
        after=second,
        difference=_interval(second - first, difference_R),
        better_fraction=float((gains_R > 0).mean()),
    )


def draws(num_tracks: int, *, num_resamples: int, seed: int) -> Iterator[Counts]:
    """How often each resample draws each track, (N, R) of some resamples at a time."""
    generator = np.random.default_rng(seed)
    block = max(_BLOCK_CELLS // num_tracks, _LEAST_BLOCK)
    for start in range(0, num_resamples, block):
        weights_NR = np.empty((num_tracks, min(block, num_resamples - start)), np.float32)
        for r in range(weights_NR.shape[1]):
            drawn_N = generator.integers(num_tracks, size=num_tracks)
            weights_NR[:, r] = np.bincount(drawn_N, minlength=num_tracks)
        yield weights_NR


def _resampled(
    judged: Judged, of_block: Figures, *, num_resamples: int, seed: int
) -> dict[str, Floats]:
    num_tracks = len(judged.targets_NK)
    blocks = [
        of_block(judged, weights_NR)
        for weights_NR in draws(num_tracks, num_resamples=num_resamples, seed=seed)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _once(judged: Judged) -> Counts:
    return np.ones((len(judged.targets_NK), 1), np.float32)


def _interval(value: float, resampled_R: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(resampled_R, PERCENTILES)
    return Interval(value, float(low), float(high))


def _check_pair(before: Labelled, after: Labelled) -> None:
    if before.track_ids != after.track_ids:
        raise ValueError("the two models were not judged on the same tracks in the same order")
    if before.tags != after.tags:
        odd = sorted(set(before.tags) ^ set(after.tags)) or ["their order"]
        raise ValueError(f"the two models have not the same tags: {', '.join(odd[:5])}")
    if (before.targets_NK != after.targets_NK).any():
        raise ValueError("the two models were judged by different labels of the same tracks")
    if (before.kind is TaskKind.MULTICLASS) != (after.kind is TaskKind.MULTICLASS):
        raise ValueError(f"a {before.kind} model and a {after.kind} one are not judged alike")
