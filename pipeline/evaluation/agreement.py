"""How well a published tag ranks tracks that carry a known label."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from pipeline.taxonomy import SEPARATOR

# Shape letters: N tracks, K tags.


@dataclass(frozen=True)
class Agreement:
    """One tag against one label.

    Attributes:
        tag: `category---name` of the tagger.
        label: `category---name` of the catalog.
        num_tracks: tracks with a score and labels.
        num_positives: those that carry the label.
        roc_auc: 0.5 is chance, 1 is perfect; None if all tracks carry the label, or none does.
    """

    tag: str
    label: str
    num_tracks: int
    num_positives: int
    roc_auc: float | None


def agreement(
    scores_NK: NDArray[np.float32],
    *,
    tags: Sequence[str],
    labels: Sequence[Collection[str]],
    pairs: Sequence[tuple[str, str]],
) -> list[Agreement]:
    """Area under the ROC curve (scikit-learn) of a tag's score, for the tracks that have a label.

    Args:
        scores_NK: (N, K) a track's scores.
        tags: (K) `category---name`.
        labels: (N) the track's labels.
        pairs: tag and label that mean the same; `pairs_by_name` finds some.

    Raises:
        ValueError: a tag that is not among `tags`, or lengths that differ.
    """
    if scores_NK.shape != (len(labels), len(tags)):
        raise ValueError(f"scores {scores_NK.shape} for {len(labels)} tracks, {len(tags)} tags")
    found = []
    for tag, label in pairs:
        positive = np.array([label in mine for mine in labels], dtype=bool)
        num_positives = int(positive.sum())
        auc = None
        if 0 < num_positives < len(labels):
            auc = float(roc_auc_score(positive, scores_NK[:, tags.index(tag)]))
        found.append(Agreement(tag, label, len(labels), num_positives, auc))
    return found


def pairs_by_name(tags: Sequence[str], labels: Collection[str]) -> list[tuple[str, str]]:
    """Tags and labels of one name, whatever their categories and case, in the tags' order."""
    known: dict[str, list[str]] = {}
    for label in sorted(labels):
        known.setdefault(_name(label), []).append(label)
    return [(tag, label) for tag in tags for label in known.get(_name(tag), [])]


def _name(tag: str) -> str:
    return tag.rpartition(SEPARATOR)[2].casefold()
