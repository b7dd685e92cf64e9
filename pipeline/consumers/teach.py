"""A new tag from examples: a linear head on embeddings, judged on examples that it has not seen.

Positive examples are few. What stands against them is drawn at random from the catalog and taken
for negative, though some of it has the tag: what is found is then rather too strict. Negative
examples, where they are given, weigh EXPLICIT times as much as drawn tracks.

How precise the tag will be over the catalog depends on how many of its tracks have it, which
nobody has counted. It is stated for an assumed share, by the rates of examples and drawn tracks
out of fold: precision = share * tpr / (share * tpr + (1 - share) * fpr).

Shapes: N tracks, E embedding, T different scores, falling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_curve
from sklearn.model_selection import StratifiedGroupKFold

from pipeline.errors import UserError

LEAST_POSITIVE = 3
MOST_FOLDS = 5
EXPLICIT = 5.0
SUREST = 1e-6
"""Scores nearer to 0 or 1 count as this near: logits have no end."""
STRENGTH = 0.1
"""scikit-learn's C. For ten instruments by 5 to 50 examples (tests/bench/bench_teach.py) its mean
average precision on other works is within 0.008 of the best C in hindsight; to choose C by the
folds of so few examples costs 0.01 to 0.04, and sometimes 0.3."""
LEAST_LOGIT = -100.0


@dataclass(frozen=True)
class Examples:
    """Embeddings of tracks that have the tag, have it not, or were drawn.

    Attributes:
        embeddings_NE: of all.
        has_tag_N: the positive ones.
        weights_N: of each as an example; positives and the others count alike in sum.
        groups: tracks that must not be parted, such as an artist's.
    """

    embeddings_NE: NDArray[np.float32]
    has_tag_N: NDArray[np.bool_]
    weights_N: NDArray[np.float64]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """A head, and what is known of it.

    Attributes:
        weight_E: of the embedding's values.
        bias: added to their sum.
        threshold: a score at or over it counts as the tag.
        precision: expected over a catalog of which `share` has the tag.
        share: what was assumed.
        recall: share of the positive examples that are over the threshold.
        reached: whether a threshold with the wanted precision was found; else it is the one with
            the highest expected F1.
        average_precision: out of fold, as the examples stand.
    """

    weight_E: NDArray[np.float32]
    bias: float
    threshold: float
    precision: float
    share: float
    recall: float
    reached: bool
    average_precision: float


def examples(
    positive_NE: NDArray[np.float32],
    negative_NE: NDArray[np.float32],
    drawn_NE: NDArray[np.float32],
    *,
    groups: Sequence[str],
) -> Examples:
    """Examples in this order, with their weights.

    Raises:
        UserError: too few positive ones, nothing to set against them, or all of one group.
    """
    numbers = [len(part) for part in (positive_NE, negative_NE, drawn_NE)]
    if numbers[0] < LEAST_POSITIVE:
        raise UserError(
            f"{numbers[0]} positive example(s) with an embedding; at least {LEAST_POSITIVE} are "
            "needed, and some 20 make a tag that can be trusted"
        )
    if not numbers[1] + numbers[2]:
        raise UserError("there is no other track in the catalog to set against the examples")
    if len(set(groups[: numbers[0]])) < 2:
        raise UserError(
            "all positive examples are of one artist: whether the tag is heard or the artist "
            "cannot be told; give examples of another"
        )
    weights_N = np.repeat([1.0, EXPLICIT, 1.0], numbers)
    has_tag_N = np.repeat([True, False, False], numbers)
    weights_N[~has_tag_N] *= numbers[0] / weights_N[~has_tag_N].sum()
    return Examples(
        np.concatenate((positive_NE, negative_NE, drawn_NE)), has_tag_N, weights_N, tuple(groups)
    )


def learn(given: Examples, *, precision: float, share: float, seed: int) -> Lesson:
    """Fits the head, and judges it by tracks that the fit has not seen.

    Args:
        given: from `examples`.
        precision: wanted of the tag over the catalog, over 0 to 1.
        share: of the catalog's tracks that are assumed to have the tag, between 0 and 1.
        seed: of the folds.
    """
    weight_E, bias = _fit(given, np.arange(len(given.groups)))
    logits_N = _out_of_fold(given, like_N=_logits(given, weight_E=weight_E, bias=bias), seed=seed)
    threshold, found, recall, reached = _threshold(
        logits_N, given.has_tag_N, precision=precision, share=share
    )
    return Lesson(
        weight_E=weight_E.astype(np.float32),
        bias=bias,
        threshold=threshold,
        precision=found,
        share=share,
        recall=recall,
        reached=reached,
        average_precision=float(
            average_precision_score(given.has_tag_N, logits_N, sample_weight=given.weights_N)
        ),
    )


def expected_precision(
    tpr_T: NDArray[np.float64], fpr_T: NDArray[np.float64], *, share: float
) -> NDArray[np.float64]:
    """Of all tracks over a threshold, the part that has the tag (Bayes); 1 where none is over."""
    hits_T, errors_T = share * tpr_T, (1 - share) * fpr_T
    found_T = hits_T + errors_T
    return np.divide(hits_T, found_T, out=np.ones_like(found_T), where=found_T > 0)


def from_threshold(scores_N: NDArray[np.floating], *, threshold: float) -> NDArray[np.float64]:
    """How sure the head is that a track has the tag, or has it not: a distance in logits."""
    edge = np.clip(threshold, SUREST, 1 - SUREST)
    sure_N = np.clip(scores_N.astype(np.float64), SUREST, 1 - SUREST)
    distance_N: NDArray[np.float64] = np.abs(logit(sure_N) - logit(edge))
    return distance_N


def to_ask(
    scores_N: NDArray[np.floating], *, threshold: float, groups: Sequence[str], number: int
) -> list[int]:
    """The tracks whose labels would teach most: the scores nearest to the threshold.

    Uncertainty sampling (Lewis and Gale 1994), one track a group.
    """
    chosen: list[int] = []
    seen: set[str] = set()
    distance_N = from_threshold(scores_N, threshold=threshold)
    for row in np.argsort(distance_N, kind="stable").tolist():
        if groups[row] not in seen:
            seen.add(groups[row])
            chosen.append(row)
        if len(chosen) == number:
            break
    return chosen


def _fit(given: Examples, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], float]:
    """Weights and bias for embeddings as they are; the fit itself sees them standardised."""
    x_NE = given.embeddings_NE[rows].astype(np.float64)
    mean_E, std_E = x_NE.mean(0), x_NE.std(0)
    std_E[std_E < 1e-9] = 1.0  # a value that never changes says nothing
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit((x_NE - mean_E) / std_E, given.has_tag_N[rows], sample_weight=given.weights_N[rows])
    weight_E = model.coef_[0] / std_E
    return weight_E, float(model.intercept_[0] - weight_E @ mean_E)


def _logits(given: Examples, *, weight_E: NDArray[np.float64], bias: float) -> NDArray[np.float64]:
    logits_N: NDArray[np.float64] = given.embeddings_NE.astype(np.float64) @ weight_E + bias
    return logits_N


def _out_of_fold(given: Examples, *, like_N: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Logits by heads that have not seen the track, on the scale of the head that is kept.

    Each fold's head has a scale and an offset of its own. Mean and deviation of what it gives to
    all that is not positive are made those of `like_N`, so that one threshold means the same.
    """
    positive_groups = {g for g, has in zip(given.groups, given.has_tag_N, strict=True) if has}
    folds = StratifiedGroupKFold(
        min(MOST_FOLDS, len(positive_groups)), shuffle=True, random_state=seed
    )
    others_N = ~given.has_tag_N
    logits_N = np.full(len(given.groups), LEAST_LOGIT)
    for learned, asked in folds.split(given.embeddings_NE, given.has_tag_N, given.groups):
        if given.has_tag_N[learned].all() or not given.has_tag_N[learned].any():
            continue  # all positives in the fold that is asked: they keep the least
        weight_E, bias = _fit(given, learned)
        found_N = _logits(given, weight_E=weight_E, bias=bias)
        scale = like_N[others_N].std() / max(found_N[others_N].std(), 1e-9)
        logits_N[asked] = (found_N[asked] - found_N[others_N].mean()) * scale
        logits_N[asked] += like_N[others_N].mean()
    return logits_N


def _threshold(
    logits_N: NDArray[np.float64],
    has_tag_N: NDArray[np.bool_],
    *,
    precision: float,
    share: float,
) -> tuple[float, float, float, bool]:
    """The lowest threshold with the wanted precision, else that of the highest F1."""
    fpr_T, tpr_T, logits_T = roc_curve(has_tag_N, logits_N, drop_intermediate=False)
    fpr_T, tpr_T, logits_T = fpr_T[1:], tpr_T[1:], logits_T[1:]  # the first predicts nothing
    precision_T = expected_precision(tpr_T, fpr_T, share=share)
    enough = np.flatnonzero((precision_T >= precision) & (tpr_T > 0))
    reached = len(enough) > 0
    whole_T = np.maximum(precision_T + tpr_T, 1e-12)
    best = int(enough[-1] if reached else np.argmax(2 * precision_T * tpr_T / whole_T))
    lower = logits_T[best + 1] if best + 1 < len(logits_T) else logits_T[best] - 1
    threshold = float(np.float32(expit((logits_T[best] + lower) / 2)))
    return threshold, float(precision_T[best]), float(tpr_T[best]), reached
