"""Metrics of labelled scores: of each tag, and of all tags together.

From scikit-learn, which is the reference for every figure here but one: it has no calibration
error. torchmetrics has; that one formula does not pay for a dependency that does the rest over
again, in float32.

A tag is judged when the tracks hold both some with it and some without. One that is not has no
figures (None), is named in `Evaluation.excluded`, and is left out of macro averages; its decisions
do count in accuracy, micro and weighted averages.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.outcomes import all_right, calibration_gaps, log_losses, shares_right
from pipeline.evaluation.weighted import area_figures, judge, mean_figures
from pipeline.taxonomy import TaskKind

DECISIONS = ("precision", "recall", "f1")
AREA_METRICS = ("roc_auc_macro", "pr_auc_macro")
METRICS: dict[str, bool] = {
    "accuracy": True,
    "subset_accuracy": True,
    **{f"{name}_{mean}": True for mean in ("macro", "micro", "weighted") for name in DECISIONS},
    **dict.fromkeys(AREA_METRICS, True),
    "calibration_error": False,
    "log_loss": False,
}
"""The metrics that a model can be chosen by, and whether higher is better."""


@dataclass(frozen=True)
class TagMetrics:
    """One tag; a figure that is not defined is None, never 0 or 1.

    Attributes:
        tag: `category---name`.
        num_positives: tracks that have it.
        num_tracks: all tracks.
        threshold: a score at or over it counts as a prediction; in a multiclass task the best
            score does, whatever the threshold.
        precision: share of the predictions that are right; None also if nothing was predicted.
        recall: share of the positives that were predicted.
        f1: harmonic mean of the two, 2 TP / (2 TP + FP + FN): 0 if nothing was predicted.
        roc_auc: chance that a track with the tag scores over one without it; ties count half.
        pr_auc: average precision; `num_positives / num_tracks` is chance.
    """

    tag: str
    num_positives: int
    num_tracks: int
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    pr_auc: float | None


@dataclass(frozen=True)
class Evaluation:
    """All figures of a model on some tracks.

    Attributes:
        kind: of the task.
        num_tracks: that were judged.
        tags: figures of each tag, in order.
        summary: figures of all tags by name: those of `METRICS`, and what they must be read
            beside: `accuracy_majority` (always the most frequent answer among these tracks: tag,
            or yes or no to each tag), `accuracy_all_negative` (no to each tag; not for a
            multiclass task) and `pr_auc_chance` (mean prevalence of the tags that are judged). A
            name is missing where its figure is not defined.
        excluded: tags that all tracks have, or none.
        confusion_KK: tracks by true tag (row) and predicted tag (column), multiclass only.
    """

    kind: TaskKind
    num_tracks: int
    tags: tuple[TagMetrics, ...]
    summary: dict[str, float]
    excluded: tuple[str, ...]
    confusion_KK: NDArray[np.int64] | None


def evaluate(labelled: Labelled) -> Evaluation:
    """Every figure that the task has."""
    targets_NK, predicted_NK = labelled.targets_NK, labelled.predictions()
    decided_K3 = np.array(
        [_decided(*pair) for pair in zip(targets_NK.T, predicted_NK.T, strict=True)]
    )
    tags = tuple(
        _tag_metrics(labelled, column=k, decided=tuple(decided_K3[k].tolist()))
        for k in range(len(labelled.tags))
    )
    return Evaluation(
        kind=labelled.kind,
        num_tracks=len(labelled.track_ids),
        tags=tags,
        summary={
            **_means(labelled),
            **_decision_averages(labelled, decided_K3=decided_K3),
            **_area_averages(tags),
        },
        excluded=tuple(tag.tag for tag in tags if tag.roc_auc is None),
        confusion_KK=_confusion(labelled),
    )


def metric(labelled: Labelled, *, name: str) -> float:
    """One of `METRICS`, without the work for the others.

    Raises:
        ValueError: another name, or a figure that these tracks do not define.
    """
    check_metric(name)
    once_N1 = np.ones((len(labelled.track_ids), 1), np.float32)
    of_name = area_figures if name in AREA_METRICS else mean_figures
    found = float(of_name(judge(labelled), once_N1)[name][0])
    if math.isnan(found):
        raise ValueError(f"{name} is not defined: no tag is on some tracks and missing on others")
    return found


def check_metric(name: str) -> None:
    """ValueError with the known names, unless it is one of `METRICS`."""
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}; known are {', '.join(METRICS)}")


def _tag_metrics(
    labelled: Labelled, *, column: int, decided: tuple[float, float, float]
) -> TagMetrics:
    target_N, score_N = labelled.targets_NK[:, column], labelled.scores_NK[:, column]
    counts = int(target_N.sum()), len(target_N)
    named = (labelled.tags[column], *counts, labelled.thresholds[column])
    if not 0 < counts[0] < counts[1]:
        return TagMetrics(*named, None, None, None, None, None)
    precision, recall, f1 = decided
    return TagMetrics(
        *named,
        precision=precision if labelled.predictions()[:, column].any() else None,
        recall=recall,
        f1=f1,
        roc_auc=float(roc_auc_score(target_N, score_N)),
        pr_auc=float(average_precision_score(target_N, score_N)),
    )


def _decided(target: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> list[float]:
    """Precision, recall and F1; one of nothing is 0."""
    figures = precision_recall_fscore_support(target, predicted, average="binary", zero_division=0)
    return [float(figure) for figure in figures[:3]]


def _means(labelled: Labelled) -> dict[str, float]:
    """Means over tracks, and what a constant answer reaches."""
    prevalence_K = labelled.targets_NK.mean(0)
    found = {
        "accuracy": float(shares_right(labelled).mean()),
        "subset_accuracy": float(all_right(labelled).mean()),
        "calibration_error": float(np.abs(calibration_gaps(labelled).mean(0)).sum()),
        "log_loss": float(log_losses(labelled).mean()),
    }
    if labelled.kind is TaskKind.MULTICLASS:
        return {**found, "accuracy_majority": float(prevalence_K.max())}
    majority_K = np.maximum(prevalence_K, 1 - prevalence_K)
    negative = {"accuracy_all_negative": float(1 - prevalence_K.mean())}
    return {**found, "accuracy_majority": float(majority_K.mean()), **negative}


def _decision_averages(labelled: Labelled, *, decided_K3: NDArray[np.float64]) -> dict[str, float]:
    """Precision, recall and F1 over all tags; an average without any positive is left out."""
    support_K = labelled.targets_NK.sum(0)
    judged_K = (support_K > 0) & (support_K < len(labelled.track_ids))
    averages: dict[str, list[float]] = {}
    if judged_K.any():
        averages["macro"] = decided_K3[judged_K].mean(0).tolist()
    if support_K.any():
        averages["micro"] = _decided(labelled.targets_NK.ravel(), labelled.predictions().ravel())
        averages["weighted"] = np.average(decided_K3, axis=0, weights=support_K).tolist()
    return {
        f"{figure}_{average}": value
        for average, values in averages.items()
        for figure, value in zip(DECISIONS, values, strict=True)
    }


def _area_averages(tags: Sequence[TagMetrics]) -> dict[str, float]:
    judged = [tag for tag in tags if tag.roc_auc is not None and tag.pr_auc is not None]
    if not judged:
        return {}
    return {
        "roc_auc_macro": float(np.mean([tag.roc_auc for tag in judged])),
        "pr_auc_macro": float(np.mean([tag.pr_auc for tag in judged])),
        "pr_auc_chance": float(np.mean([tag.num_positives / tag.num_tracks for tag in judged])),
    }


def _confusion(labelled: Labelled) -> NDArray[np.int64] | None:
    if labelled.kind is not TaskKind.MULTICLASS:
        return None
    confusion_KK: NDArray[np.int64] = (
        labelled.targets_NK.T.astype(np.int64) @ labelled.predictions()
    )
    return confusion_KK
