"""What each track adds to the metrics that are means over tracks: right answers, losses, gaps.

Shapes: N tracks, K tags, B bins of the calibration error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.labelled import Labelled
from pipeline.taxonomy import TaskKind

CALIBRATION_BINS = 15
"""As in Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599."""
_LEAST_SHARE = float(np.finfo(np.float32).eps)


def shares_right(labelled: Labelled) -> NDArray[np.float64]:
    """(N): share of a track's decisions that are right; a multiclass track has one decision."""
    if labelled.kind is TaskKind.MULTICLASS:
        return all_right(labelled)
    right_NK = labelled.predictions() == labelled.targets_NK
    shares_N: NDArray[np.float64] = right_NK.mean(1)
    return shares_N


def all_right(labelled: Labelled) -> NDArray[np.float64]:
    """(N): 1 where every tag of the track is right, else 0."""
    right_NK = labelled.predictions() == labelled.targets_NK
    all_N: NDArray[np.float64] = right_NK.all(1).astype(np.float64)
    return all_N


def log_losses(labelled: Labelled) -> NDArray[np.float64]:
    """(N): cross-entropy of a track, nats; the mean over its tags where each is decided alone.

    Scores are kept from 0 and 1 by the step of float32 at 1, as in scikit-learn.
    """
    scores_NK = labelled.scores_NK.astype(np.float64).clip(_LEAST_SHARE, 1 - _LEAST_SHARE)
    if labelled.kind is TaskKind.MULTICLASS:
        losses_N: NDArray[np.float64] = -np.log(scores_NK[labelled.targets_NK])
    else:
        losses_N = -np.log(np.where(labelled.targets_NK, scores_NK, 1 - scores_NK)).mean(1)
    return losses_N


def calibration_gaps(labelled: Labelled) -> NDArray[np.float64]:
    """(N, B): what a track adds to each bin's outcomes less its scores, per decision.

    The expected calibration error is the sum over the bins of the absolute mean over the tracks:
    in its textbook form, share of the bin times |mean outcome - mean score|, the bin's size
    cancels. A multiclass track has one decision, its best score and whether that is right;
    another track has one a tag, score and target. Bins are equal steps from 0 to 1.
    """
    scores_ND, outcomes_ND = labelled.scores_NK.astype(np.float64), labelled.targets_NK
    if labelled.kind is TaskKind.MULTICLASS:  # D decisions: one, else K
        scores_ND = scores_ND.max(1, keepdims=True)
        outcomes_ND = all_right(labelled)[:, None] > 0
    bins_ND = (scores_ND * CALIBRATION_BINS).astype(int).clip(0, CALIBRATION_BINS - 1)
    gaps_NB = np.zeros((len(scores_ND), CALIBRATION_BINS))
    rows_N1 = np.arange(len(scores_ND))[:, None]
    np.add.at(gaps_NB, (rows_N1, bins_ND), (outcomes_ND - scores_ND) / scores_ND.shape[1])
    return gaps_NB
