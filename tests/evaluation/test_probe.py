from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pipeline.audio.librosa_once import librosa
from pipeline.evaluation.probe import mean_mfcc, probe
from pipeline.taxonomy import TaskKind

MULTILABEL, MULTICLASS = TaskKind.MULTILABEL, TaskKind.MULTICLASS


def vectors(num_tracks: int, *, num_values: int = 6, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(3, 10, size=(num_tracks, num_values)).astype(np.float32)


def test_tags_that_depend_linearly_on_the_vectors_are_learned():
    train, test = vectors(200), vectors(200, seed=1)
    scores = probe(train, train[:, :2] > 3, test, kind=MULTILABEL, seed=0)
    assert (scores.shape, scores.dtype) == ((200, 2), np.float32)
    assert roc_auc_score(test[:, :2] > 3, scores) > 0.98


def test_multiclass_scores_sum_to_one_and_the_best_is_right():
    train, test = vectors(300), vectors(100, seed=1)
    answers = np.eye(3, dtype=bool)[train[:, :3].argmax(1)]
    scores = probe(train, answers, test, kind=MULTICLASS, seed=0)
    assert scores.sum(1) == pytest.approx(1, abs=1e-5)
    assert (scores.argmax(1) == test[:, :3].argmax(1)).mean() > 0.9


def test_the_unit_of_a_vectors_numbers_is_no_matter():
    train, test = vectors(90), vectors(20, seed=1)
    scale = np.array([1e-3, 1, 1e3, 1, 1, 1], np.float32)
    plain, scaled = (
        probe(train * by, train[:, :1] > 3, test * by, kind=TaskKind.BINARY, seed=0)
        for by in (np.float32(1), scale)
    )
    assert scaled == pytest.approx(plain, abs=1e-3)


def test_vectors_that_say_nothing_are_held_back_by_the_penalty():
    noise, test = vectors(60, num_values=200), vectors(200, num_values=200, seed=1)
    targets = np.random.default_rng(2).random((60, 1)) < 0.5
    scores = probe(noise, targets, test, kind=TaskKind.BINARY, seed=0)
    free = LogisticRegression(max_iter=1_000).fit(noise, targets[:, 0]).predict_proba(test)
    assert np.abs(scores - 0.5).mean() < np.abs(free[:, 1] - 0.5).mean() / 3


def test_a_tag_that_training_lacks_scores_nothing_and_one_that_all_have_everything():
    train, test = vectors(30), vectors(5, seed=1)
    targets = np.c_[train[:, 0] > 3, np.zeros(30, bool), np.ones(30, bool)]
    scores = probe(train, targets, test, kind=MULTILABEL, seed=0)
    assert scores[:, 1].tolist() == [0] * 5
    assert scores[:, 2].tolist() == [1] * 5
    assert 0 < scores[:, 0].min() < scores[:, 0].max() < 1


def test_a_class_that_training_lacks_scores_nothing():
    train, test = vectors(30), vectors(5, seed=1)
    answers = np.eye(3, dtype=bool)[np.where(train[:, 0] > 3, 2, 0)]
    scores = probe(train, answers, test, kind=MULTICLASS, seed=0)
    assert scores[:, 1].tolist() == [0] * 5
    assert scores.sum(1) == pytest.approx(1, abs=1e-5)
    only = probe(train, np.eye(3, dtype=bool)[[1] * 30], test, kind=MULTICLASS, seed=0)
    assert only.tolist() == [[0, 1, 0]] * 5


def test_a_tag_that_some_folds_lack_is_still_scored():
    train = vectors(12)
    scores = probe(train, np.eye(12, 1, dtype=bool), train, kind=TaskKind.BINARY, seed=0)
    assert scores.mean() == pytest.approx(1 / 12, abs=1e-3)


def test_the_same_seed_gives_the_same_scores():
    train = vectors(40)
    first, second = (
        probe(train, train[:, :1] > 3, train, kind=TaskKind.BINARY, seed=3) for _ in range(2)
    )
    assert (first == second).all()


def test_shapes_that_differ_and_too_few_tracks_are_refused():
    targets = np.ones((9, 1), bool)
    with pytest.raises(ValueError, match=r"training vectors \(8, 6\), their targets \(9, 1\)"):
        probe(vectors(8), targets, vectors(2), kind=MULTILABEL, seed=0)
    with pytest.raises(ValueError, match=r"test vectors \(2, 5\)"):
        probe(vectors(9), targets, vectors(2, num_values=5), kind=MULTILABEL, seed=0)
    with pytest.raises(ValueError, match="needs 3 training tracks at least, not 0"):
        probe(vectors(0), targets[:0], vectors(2), kind=MULTILABEL, seed=0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_mfccs_are_librosas_of_the_same_mel(dtype):
    mel_db = np.random.default_rng(0).normal(-40, 20, size=(64, 63)).astype(dtype)
    mfcc = librosa.feature.mfcc(S=mel_db.astype(float), n_mfcc=20, dct_type=2, norm="ortho")
    found = mean_mfcc(mel_db)
    assert (found.shape, found.dtype) == ((40,), np.float32)
    assert found[:20] == pytest.approx(mfcc.mean(1), abs=1e-3)
    assert found[20:] == pytest.approx(mfcc.std(1), abs=1e-3)


@pytest.mark.parametrize("shape", [(64, 0), (19, 5)])
def test_a_mel_without_frames_or_with_too_few_bands_has_no_mfccs(shape):
    with pytest.raises(ValueError, match="20 MFCCs of a mel"):
        mean_mfcc(np.zeros(shape, np.float32))
