"""Scores beside the truth: what metrics, thresholds, intervals and comparisons are computed from.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.taxonomy import TaskKind

DEFAULT_THRESHOLD = 0.5
_SLACK = 1e-4  # a mean of float32 shares may leave 0 to 1 by a rounding error


@dataclass(frozen=True)
class Labelled:
    """Tracks with the scores that a model gave them and the tags that they have.

    Attributes:
        track_ids: (N), at least one, each once.
        tags: (K) `category---name`, or plain names where scores come without a taxonomy.
        kind: MULTICLASS: exactly one tag a track, the highest score is the prediction (the first
            of several that are equal). The others are judged tag by tag, at thresholds.
        scores_NK: 0 to 1; kept as float32.
        targets_NK: which tags the tracks have, bool.
        thresholds_K: a score at or over it is a prediction; None: 0.5 each.

    Raises:
        ValueError: no tracks or no tags, one that stands several times, shapes that differ, scores
            that are no numbers from 0 to 1, targets that are not bool, or a multiclass track that
            has no tag or several.
    """

    track_ids: tuple[str, ...]
    tags: tuple[str, ...]
    kind: TaskKind
    scores_NK: NDArray[np.float32]
    targets_NK: NDArray[np.bool_]
    thresholds_K: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_scores()
        # saved scores may be float64: one arithmetic, that of the tables, for all
        object.__setattr__(self, "scores_NK", self.scores_NK.astype(np.float32, copy=False))
        if self.targets_NK.dtype != np.bool_:
            raise ValueError(f"targets are {self.targets_NK.dtype}, not bool")
        if self.kind is TaskKind.MULTICLASS and (self.targets_NK.sum(1) != 1).any():
            row = int(np.argmax(self.targets_NK.sum(1) != 1))
            raise ValueError(
                f"track {self.track_ids[row]} has {int(self.targets_NK[row].sum())} of the tags; "
                "a multiclass track has exactly one"
            )
        if self.thresholds_K is not None and len(self.thresholds_K) != len(self.tags):
            raise ValueError(f"{len(self.thresholds_K)} thresholds for {len(self.tags)} tags")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """(K): the thresholds that hold, 0.5 where none were chosen."""
        return self.thresholds_K or (DEFAULT_THRESHOLD,) * len(self.tags)

    def predictions(self) -> NDArray[np.bool_]:
        """(N, K): the best tag of each track (multiclass), or all at or over their thresholds."""
        predicted_NK: NDArray[np.bool_]
        if self.kind is TaskKind.MULTICLASS:
            predicted_NK = np.eye(len(self.tags), dtype=bool)[self.scores_NK.argmax(1)]
        else:
            predicted_NK = self.scores_NK >= np.array(self.thresholds, np.float32)
        return predicted_NK

    def at(self, thresholds_K: tuple[float, ...] | None) -> Labelled:
        """The same at other thresholds."""
        return replace(self, thresholds_K=thresholds_K)

    def _check_names(self) -> None:
        for noun, names in (("track", self.track_ids), ("tag", self.tags)):
            if not names:
                raise ValueError(f"there is no {noun} to judge")
            name, times = Counter(names).most_common(1)[0]
            if times > 1:
                raise ValueError(f"{noun} {name} stands {times} times")
        shape = (len(self.track_ids), len(self.tags))
        if self.scores_NK.shape != shape or self.targets_NK.shape != shape:
            raise ValueError(
                f"{shape[0]} tracks and {shape[1]} tags, but scores {self.scores_NK.shape} "
                f"and targets {self.targets_NK.shape}"
            )

    def _check_scores(self) -> None:
        # written so that NaN is wrong too
        wrong_NK = ~((self.scores_NK >= -_SLACK) & (self.scores_NK <= 1 + _SLACK))
        if wrong_NK.any():
            row, column = np.argwhere(wrong_NK)[0]
            raise ValueError(
                f"the score of {self.track_ids[row]} for {self.tags[column]} is "
                f"{self.scores_NK[row, column]}, no number from 0 to 1"
            )
