"""A linear head on given vectors: what a network must beat, or what an embedding knows already.

Vectors are scaled to mean 0 and variance 1 (of the training tracks), then logistic regression with
an L2 penalty: one over all tags where exactly one holds, else one a tag. The penalty decides much
where vectors are long and tracks few, and no one value suits both 40 and 753 numbers a track, so
it is the one of `PENALTIES` with the lowest log loss in threefold cross-validation on the training
tracks, the same for all tags. The folds know no artists or instruments: where those repeat, the
penalty comes out somewhat weak.

On 5,000 tracks and 753 numbers a fit takes 0.03 to 0.1 s a tag, and 13 fits make a probe.

Shapes: N tracks, E numbers of a vector, K tags, M mel bands, F frames, C coefficients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchaudio.functional import create_dct

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import metric
from pipeline.taxonomy import TaskKind

PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""scikit-learn's C: the lower, the stronger."""
FOLDS = 3
MFCC_COEFFICIENTS = 20  # librosa's own default
_ITERATIONS = 1_000


def probe(
    train_NE: NDArray[np.floating],
    train_targets_NK: NDArray[np.bool_],
    test_NE: NDArray[np.floating],
    *,
    kind: TaskKind,
    seed: int,
) -> NDArray[np.float32]:
    """Scores (N, K) of the test tracks, 0 to 1.

    A tag that no training track has scores 0 throughout; one that all have, 1.

    Args:
        train_NE: vectors of the training tracks.
        train_targets_NK: their tags; exactly one each if the task is multiclass.
        test_NE: vectors of the tracks that are scored.
        kind: of the task.
        seed: of the folds.

    Raises:
        ValueError: fewer training tracks than folds, shapes that differ, or vectors that are
            no numbers.
    """
    num_tracks = len(train_targets_NK)
    if len(train_NE) != num_tracks or train_NE.shape[1:] != test_NE.shape[1:]:
        raise ValueError(
            f"a probe of training vectors {train_NE.shape}, their targets "
            f"{train_targets_NK.shape} and test vectors {test_NE.shape}"
        )
    if num_tracks < FOLDS:
        raise ValueError(f"a probe needs {FOLDS} training tracks at least, not {num_tracks}")
    losses = [
        _held_out_loss(train_NE, train_targets_NK, kind=kind, seed=seed, penalty=penalty)
        for penalty in PENALTIES
    ]
    penalty = PENALTIES[int(np.argmin(losses))]
    return _scores(train_NE, train_targets_NK, test_NE, kind=kind, penalty=penalty)


def mean_mfcc(
    mel_db_MF: NDArray[np.floating], *, num_coefficients: int = MFCC_COEFFICIENTS
) -> NDArray[np.float32]:
    """Means over time of the first MFCCs, then their standard deviations, (2C).

    MFCCs as librosa has them: the orthonormal cosine transform (DCT-II) along the bands.

    Args:
        mel_db_MF: a mel in decibels, as front ends with compression `db` store it.
        num_coefficients: C, at most M.

    Raises:
        ValueError: no frames, or fewer bands than coefficients.
    """
    num_bands, num_frames = mel_db_MF.shape
    if not num_frames or num_bands < num_coefficients:
        raise ValueError(
            f"{num_coefficients} MFCCs of a mel of {num_bands} bands and {num_frames} frames"
        )
    transform_MC = create_dct(num_coefficients, num_bands, norm="ortho").numpy()
    mfcc_CF = transform_MC.T.astype(np.float64) @ mel_db_MF.astype(np.float64)
    return np.concatenate([mfcc_CF.mean(1), mfcc_CF.std(1)]).astype(np.float32)


def _held_out_loss(
    train_NE: NDArray[np.floating],
    targets_NK: NDArray[np.bool_],
    *,
    kind: TaskKind,
    seed: int,
    penalty: float,
) -> float:
    num_tracks, num_tags = targets_NK.shape
    scores_NK = np.empty((num_tracks, num_tags), np.float32)
    for kept, held in KFold(FOLDS, shuffle=True, random_state=seed).split(train_NE):
        scores_NK[held] = _scores(
            train_NE[kept], targets_NK[kept], train_NE[held], kind=kind, penalty=penalty
        )
    names = tuple(map(str, range(num_tracks))), tuple(map(str, range(num_tags)))
    return metric(Labelled(*names, kind, scores_NK, targets_NK), name="log_loss")


def _scores(
    train_NE: NDArray[np.floating],
    targets_NK: NDArray[np.bool_],
    test_NE: NDArray[np.floating],
    *,
    kind: TaskKind,
    penalty: float,
) -> NDArray[np.float32]:
    answers_N = targets_NK.argmax(1)
    scores_NK = np.zeros((len(test_NE), targets_NK.shape[1]), np.float32)
    if kind is TaskKind.MULTICLASS:
        shares, classes = _fitted(train_NE, answers_N, test_NE, penalty=penalty)
        scores_NK[:, classes] = shares
        return scores_NK
    for k, target_N in enumerate(targets_NK.T):
        shares, classes = _fitted(train_NE, target_N.astype(np.intp), test_NE, penalty=penalty)
        scores_NK[:, k] = shares @ classes  # the share of class 1, if there is one
    return scores_NK


def _fitted(
    train_NE: NDArray[np.floating],
    classes_N: NDArray[np.intp],
    test_NE: NDArray[np.floating],
    *,
    penalty: float,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Shares of the classes that training has, and these classes."""
    classes = np.unique(classes_N)
    if len(classes) == 1:
        return np.ones((len(test_NE), 1)), classes
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=_ITERATIONS))
    model.fit(train_NE.astype(np.float64), classes_N)
    shares: NDArray[np.float64] = model.predict_proba(test_NE.astype(np.float64))
    return shares, classes
