"""Metrics of many resamples at once: each track counts as often as a resample drew it.

scikit-learn takes 16 ms for the areas and decisions of one tag and 5,000 tracks, so a thousand
resamples of 50 tags take it 13 minutes. Here a tag's tracks are sorted once, what is left of a
resample are sums, and all take 3 to 10 seconds (tags on 5 and on 40 % of the tracks).
tests/evaluation/test_weighted.py proves that the figures are scikit-learn's.

Shapes: N tracks, K tags, R resamples, B bins of the calibration error, P tracks with the tag,
G different scores among those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.outcomes import all_right, calibration_gaps, log_losses, shares_right

Floats = NDArray[np.float64]
Counts = NDArray[np.float32]
"""Whole numbers; float32 adds them without error up to 16 million, and BLAS takes it."""

AREAS = ("roc_auc", "pr_auc")
DECISIONS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Ranking:
    """One tag's tracks in order of their scores, highest first.

    Attributes:
        positives_P: row numbers of the tracks with the tag.
        negatives_N: row numbers of those without it.
        ends_G: for each different score of a positive, the positives at or over it.
        over_G: negatives over that score.
        upto_G: negatives at or over it.
    """

    positives_P: NDArray[np.intp]
    negatives_N: NDArray[np.intp]
    ends_G: NDArray[np.intp]
    over_G: NDArray[np.intp]
    upto_G: NDArray[np.intp]


def ranking(scores_N: NDArray[np.float32], targets_N: NDArray[np.bool_]) -> Ranking:
    """Sorts the tracks of one tag."""
    order_N = np.argsort(-scores_N, kind="stable")
    positives_P = order_N[targets_N[order_N]]
    negatives_N = order_N[~targets_N[order_N]]
    falling_P, falling_N = -scores_N[positives_P], -scores_N[negatives_N]
    levels_G = np.unique(falling_P)
    return Ranking(
        positives_P=positives_P,
        negatives_N=negatives_N,
        ends_G=np.searchsorted(falling_P, levels_G, side="right"),
        over_G=np.searchsorted(falling_N, levels_G, side="left"),
        upto_G=np.searchsorted(falling_N, levels_G, side="right"),
    )


def areas(ranked: Ranking, weights_NR: Counts) -> tuple[Floats, Floats]:
    """ROC-AUC and average precision of one tag, (R) each; NaN without positives or negatives.

    ROC-AUC is the share of pairs, a positive and a negative, that are in the right order, ties
    counting half. Average precision sums, over falling thresholds, the gain in recall times the
    precision there; only thresholds that are a positive's score gain any.
    """
    found_GR = _cumulated(weights_NR[ranked.positives_P])[ranked.ends_G].astype(np.float64)
    false_NR = _cumulated(weights_NR[ranked.negatives_N])
    over_GR, upto_GR = (
        false_NR[rows].astype(np.float64) for rows in (ranked.over_G, ranked.upto_G)
    )
    gained_GR = np.diff(found_GR, axis=0, prepend=np.zeros((1, weights_NR.shape[1])))
    positives_R, negatives_R = gained_GR.sum(0), false_NR[-1].astype(np.float64)
    under_GR = negatives_R - (over_GR + upto_GR) / 2
    judged_R = (positives_R > 0) & (negatives_R > 0)
    roc_auc_R = _ratio((gained_GR * under_GR).sum(0), positives_R * negatives_R)
    precision_GR = _ratio(found_GR, found_GR + upto_GR)
    pr_auc_R = _ratio(np.where(gained_GR > 0, gained_GR * precision_GR, 0).sum(0), positives_R)
    return np.where(judged_R, roc_auc_R, np.nan), np.where(judged_R, pr_auc_R, np.nan)


@dataclass(frozen=True)
class Judged:
    """What a resample's sums are taken over.

    Attributes:
        tags: (K).
        targets_NK: 1 where a track has the tag.
        predicted_NK: 1 where it is predicted.
        means_NC: the columns whose means are metrics: share right, all right, loss, then B gaps.
        rankings: (K).
    """

    tags: tuple[str, ...]
    targets_NK: Counts
    predicted_NK: Counts
    means_NC: Floats
    rankings: tuple[Ranking, ...]


def judge(labelled: Labelled) -> Judged:
    """Sorts and decides once, for any number of resamples."""
    per_track = (shares_right(labelled), all_right(labelled), log_losses(labelled))
    return Judged(
        tags=labelled.tags,
        targets_NK=labelled.targets_NK.astype(np.float32),
        predicted_NK=labelled.predictions().astype(np.float32),
        means_NC=np.column_stack([*per_track, calibration_gaps(labelled)]),
        rankings=tuple(
            ranking(labelled.scores_NK[:, k], labelled.targets_NK[:, k])
            for k in range(len(labelled.tags))
        ),
    )


def figures(judged: Judged, weights_NR: Counts) -> dict[str, Floats]:
    """All metrics of all resamples, (R) each: `f1_macro`, and `f1/TAG` for one tag.

    NaN where a resample does not define a metric: `pipeline.evaluation.metrics` says when.
    """
    return {**mean_figures(judged, weights_NR), **area_figures(judged, weights_NR)}


def mean_figures(judged: Judged, weights_NR: Counts) -> dict[str, Floats]:
    """Those that need no ranking: decisions, losses and calibration."""
    total_R = weights_NR.sum(0, dtype=np.float64)
    means_CR = judged.means_NC.T @ weights_NR.astype(np.float64) / total_R
    return {
        "accuracy": means_CR[0],
        "subset_accuracy": means_CR[1],
        "log_loss": means_CR[2],
        "calibration_error": np.abs(means_CR[3:]).sum(0),
        **_decision_figures(judged, weights_NR, total_R=total_R),
    }


def area_figures(judged: Judged, weights_NR: Counts) -> dict[str, Floats]:
    """ROC-AUC and average precision, a tag and their means over the tags that define them."""
    pairs = [areas(ranked, weights_NR) for ranked in judged.rankings]
    found: dict[str, Floats] = {}
    for area, rows in zip(AREAS, zip(*pairs, strict=True), strict=True):
        area_KR = np.stack(rows)
        found[f"{area}_macro"] = _mean(area_KR, where=~np.isnan(area_KR))
        found |= _by_tag(area, judged.tags, area_KR)
    return found


def _decision_figures(judged: Judged, weights_NR: Counts, *, total_R: Floats) -> dict[str, Floats]:
    """Precision, recall and F1; a precision of no predictions counts as 0 in the averages."""
    hits_KR = _sums(judged.targets_NK * judged.predicted_NK, weights_NR)
    predicted_KR = _sums(judged.predicted_NK, weights_NR)
    positives_KR = _sums(judged.targets_NK, weights_NR)
    judged_KR = (positives_KR > 0) & (positives_KR < total_R)
    found: dict[str, Floats] = {}
    for name, whole_KR in (
        ("precision", predicted_KR),
        ("recall", positives_KR),
        ("f1", (predicted_KR + positives_KR) / 2),
    ):
        figure_KR = _ratio(hits_KR, whole_KR)
        counted_KR = np.nan_to_num(figure_KR)
        found[f"{name}_macro"] = _mean(counted_KR, where=judged_KR)
        micro_R = np.nan_to_num(_ratio(hits_KR.sum(0), whole_KR.sum(0)))
        found[f"{name}_micro"] = np.where(positives_KR.sum(0) > 0, micro_R, np.nan)
        weighted_R = (counted_KR * positives_KR).sum(0)
        found[f"{name}_weighted"] = _ratio(weighted_R, positives_KR.sum(0))
        found |= _by_tag(name, judged.tags, np.where(judged_KR, figure_KR, np.nan))
    return found


def _by_tag(name: str, tags: tuple[str, ...], figure_KR: Floats) -> dict[str, Floats]:
    return {f"{name}/{tag}": row for tag, row in zip(tags, figure_KR, strict=True)}


def _sums(marks_NK: Counts, weights_NR: Counts) -> Floats:
    sums_KR: Floats = (marks_NK.T @ weights_NR).astype(np.float64)
    return sums_KR


def _cumulated(rows_NR: Counts) -> Counts:
    """(N + 1, R): sums of the first 0, 1, ... rows."""
    sums = np.zeros((len(rows_NR) + 1, rows_NR.shape[1]), np.float32)
    np.cumsum(rows_NR, axis=0, out=sums[1:])
    return sums


def _mean(figure_KR: Floats, *, where: NDArray[np.bool_]) -> Floats:
    """(R): over the tags where it holds; NaN where it holds nowhere."""
    return _ratio(np.where(where, figure_KR, 0).sum(0), where.sum(0))


def _ratio(part: Floats, whole: Floats | NDArray[np.intp]) -> Floats:
    """NaN where there is nothing to divide by."""
    missing = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=missing, where=whole > 0)
    return missing
