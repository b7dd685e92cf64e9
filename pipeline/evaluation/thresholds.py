"""The threshold of each tag, chosen on validation tracks: a score at or over it is published.

A threshold lies half way between two neighbouring scores, so that a score which comes out
differently by a rounding error, on another machine or from stored features, stays on its side. It
is a float32, since that is what tables store and compare.

Shapes: N tracks, K tags, T different scores of one tag, falling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from pipeline.evaluation.labelled import Labelled

RULES = ("best_f1", "precision", "recall")
NEVER = 2.0
"""A threshold that no score reaches: the tag is not published at all."""


@dataclass(frozen=True)
class Choice:
    """A tag's threshold and what it costs on the tracks that it was chosen on.

    Attributes:
        tag: `category---name`.
        threshold: `NEVER` if there is none: better no tag than a wrong one.
        precision: of the predictions at this threshold; None where nothing is predicted.
        recall: None for a tag that all tracks have, or none.
        f1: likewise.
        reached: whether the threshold does what was asked for. False: no threshold has this
            precision, or the tracks cannot tell, because all have the tag or none has.
        num_positives: tracks with the tag; few make a poor threshold, whatever it reached.
    """

    tag: str
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    reached: bool
    num_positives: int


def choose(labelled: Labelled, *, rule: str, at: float | None) -> tuple[Choice, ...]:
    """A threshold for each tag, whatever the labelled tracks' own thresholds are.

    Args:
        labelled: validation tracks; never the test tracks that the result is judged on.
        rule: `best_f1`: the highest F1, of equal ones the highest threshold. `precision`: the
            lowest threshold whose precision is `at` or more, which is the one with the highest
            recall and with most predictions to know the precision from; precision may dip below
            `at` over it, where few tracks are. `recall`: the highest threshold whose recall is
            `at` or more.
        at: over 0, to 1; None for `best_f1`.

    Raises:
        ValueError: another rule, `at` missing or out of place, or no track with any of the tags.
    """
    _check(rule, at)
    if not labelled.targets_NK.any():
        raise ValueError(
            f"none of {len(labelled.track_ids)} tracks has any of the tags "
            f"({', '.join(labelled.tags[:3])}, ...): there is nothing to choose thresholds from"
        )
    return tuple(
        _choice(labelled, column=k, rule=rule, at=at or 0.0) for k in range(len(labelled.tags))
    )


def _check(rule: str, at: float | None) -> None:
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r} for thresholds; known are {', '.join(RULES)}")
    if rule == "best_f1" and at is not None:
        raise ValueError(f"the rule best_f1 takes no value, but got {at}")
    if rule != "best_f1" and (at is None or not 0 < at <= 1):
        raise ValueError(f"the rule {rule} needs a {rule} over 0 and at most 1, not {at}")


def _choice(labelled: Labelled, *, column: int, rule: str, at: float) -> Choice:
    tag, target_N = labelled.tags[column], labelled.targets_NK[:, column]
    num_positives = int(target_N.sum())
    if not 0 < num_positives < len(target_N):
        return Choice(tag, NEVER, None, None, None, False, num_positives)
    curve = precision_recall_curve(target_N, labelled.scores_NK[:, column])
    # scikit-learn's run upwards, and their last point, where nothing is predicted, has no score
    precision_T, recall_T, scores_T = (row[: len(curve[2])][::-1] for row in curve)
    whole_T = precision_T + recall_T
    f1_T = 2 * precision_T * recall_T / np.where(whole_T > 0, whole_T, 1)
    if rule == "best_f1":
        position = int(np.argmax(f1_T))
    elif rule == "precision":
        enough = np.flatnonzero(precision_T >= at)
        if not len(enough):
            return Choice(tag, NEVER, None, 0.0, 0.0, False, num_positives)
        position = int(enough[-1])
    else:
        position = int(np.argmax(recall_T >= at))
    return Choice(
        tag=tag,
        threshold=_below(scores_T, position),
        precision=float(precision_T[position]),
        recall=float(recall_T[position]),
        f1=float(f1_T[position]),
        reached=True,
        num_positives=num_positives,
    )


def _below(scores_T: NDArray[np.float32], position: int) -> float:
    """Between a score and the next lower one, or 0 under the lowest.

    Two scores may be neighbours in float32; then the middle is one of them, and must not be the
    lower.
    """
    score = scores_T[position]
    lower = scores_T[position + 1] if position + 1 < len(scores_T) else np.float32(0)
    middle = np.float32((float(score) + float(lower)) / 2)
    return float(middle if lower < middle <= score else score)
