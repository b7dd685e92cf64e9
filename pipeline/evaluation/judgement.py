"""Whether a new model may take the place of the one that is used.

The rule: the new model's metric is better on the labelled tracks, and better in at least
`confidence` of the bootstrap's resamples of these tracks. Where there is no model yet, a new one
takes the place once it has been judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from pipeline.errors import TableError
from pipeline.evaluation.bootstrap import Paired, paired
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS, evaluate


class Outcome(StrEnum):
    """What becomes of a new model."""

    PROMOTED = "promoted"
    FIRST = "promoted: the first"
    FORCED = "promoted: forced"
    ALREADY = "the champion already"
    KEPT = "not promoted"


@dataclass(frozen=True)
class Judgement:
    """How the new model did.

    Attributes:
        outcome: what the rule says.
        metric: what decides.
        num_tracks: that were judged.
        figures: the new model's, by name.
        comparison: with the model that is used; None: there is none.
        confidence: share of the resamples that was asked for.
    """

    outcome: Outcome
    metric: str
    num_tracks: int
    figures: dict[str, float]
    comparison: Paired | None
    confidence: float

    def lines(self) -> list[str]:
        """For the terminal, and for whoever asks later why."""
        if self.comparison is None:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in self.figures.items())
            return [
                f"{self.metric} {self.figures[self.metric]:.3f} on {self.num_tracks:,} tracks, "
                "with nothing to compare it with",
                f"all figures: {figures}",
            ]
        of, difference = self.comparison, self.comparison.difference
        return [
            f"{self.metric} on {self.num_tracks:,} tracks: {of.before:.3f} before, {of.after:.3f} "
            f"after; difference {difference.value:+.3f}, 95 % interval {difference.low:+.3f} to "
            f"{difference.high:+.3f}",
            f"better in {of.better_fraction:.1%} of the resamples; {self.confidence:.1%} asked for",
        ]

    def metrics(self) -> dict[str, float]:
        """For MLflow."""
        if self.comparison is None:
            return self.figures
        return self.figures | {
            "before": self.comparison.before,
            "after": self.comparison.after,
            "difference": self.comparison.difference.value,
            "difference_low": self.comparison.difference.low,
            "difference_high": self.comparison.difference.high,
            "better_fraction": self.comparison.better_fraction,
        }


def judge_candidate(
    candidate: Labelled,
    *,
    champion: Labelled | None,
    metric: str,
    confidence: float,
    num_resamples: int,
    seed: int,
) -> Judgement:
    """Applies the rule.

    Args:
        candidate: the new model's scores.
        champion: the used one's, of the same tags; tracks that only one of them has are left out.
        metric: of `METRICS`.
        confidence: share of the resamples that must agree.
        num_resamples: of the bootstrap over tracks.
        seed: of its draws.

    Raises:
        TableError: the tracks do not define the metric.
    """
    if champion is not None:
        candidate, champion = _shared(candidate, champion), _shared(champion, candidate)
    figures = evaluate(candidate).summary
    if metric not in figures:
        raise TableError(
            f"{metric} is not defined for the {len(candidate.track_ids)} labelled tracks: no tag "
            "is on some of them and missing on others; give another metric, split or data set"
        )
    comparison = None
    outcome = Outcome.FIRST
    if champion is not None:
        comparison = paired(
            champion, candidate, metric=metric, num_resamples=num_resamples, seed=seed
        )
        outcome = decide(comparison, confidence=confidence)
    return Judgement(outcome, metric, len(candidate.track_ids), figures, comparison, confidence)


def decide(comparison: Paired, *, confidence: float) -> Outcome:
    """The rule of this module."""
    difference = comparison.difference.value
    gain = difference if METRICS[comparison.metric] else -difference
    better = gain > 0 and comparison.better_fraction >= confidence
    return Outcome.PROMOTED if better else Outcome.KEPT


def _shared(mine: Labelled, other: Labelled) -> Labelled:
    """The tracks that the other has as well."""
    keep_N = np.isin(mine.track_ids, other.track_ids)
    return replace(
        mine,
        track_ids=tuple(np.array(mine.track_ids, dtype=object)[keep_N]),
        scores_NK=mine.scores_NK[keep_N],
        targets_NK=mine.targets_NK[keep_N],
    )
