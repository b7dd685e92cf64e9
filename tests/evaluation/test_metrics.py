from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS, evaluate, metric
from pipeline.taxonomy import TaskKind

MULTILABEL, MULTICLASS, BINARY = TaskKind.MULTILABEL, TaskKind.MULTICLASS, TaskKind.BINARY


def labelled(scores, targets, *, kind=MULTILABEL, thresholds=None) -> Labelled:
    scores_NK = np.array(scores, np.float32)
    ids, tags = ([f"{x}{i}" for i in range(n)] for x, n in zip("tk", scores_NK.shape, strict=True))
    return Labelled(tuple(ids), tuple(tags), kind, scores_NK, np.array(targets, bool), thresholds)


def random_multilabel(*, seed=0, num_tracks=200, num_tags=6) -> Labelled:
    generator = np.random.default_rng(seed)
    targets = generator.random((num_tracks, num_tags)) < 0.3
    scores = generator.random((num_tracks, num_tags)) * 0.7 + targets * 0.3
    return labelled(scores.round(2), targets)


def random_multiclass(*, seed=0, num_tracks=200, num_tags=6) -> Labelled:
    generator = np.random.default_rng(seed)
    answers = generator.integers(num_tags, size=num_tracks)
    raw = generator.random((num_tracks, num_tags)) + np.eye(num_tags)[answers]
    shares = raw / raw.sum(1, keepdims=True)
    return labelled(shares, np.eye(num_tags)[answers], kind=MULTICLASS)


def test_one_tag_is_counted_by_hand():
    found = evaluate(labelled([[0.9], [0.6], [0.4], [0.1]], [[1], [0], [1], [0]], kind=BINARY))
    (tag,) = found.tags
    assert (tag.num_positives, tag.num_tracks, tag.threshold) == (2, 4, 0.5)
    assert (tag.precision, tag.recall, tag.f1, tag.roc_auc) == (0.5, 0.5, 0.5, 0.75)
    assert tag.pr_auc == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found.summary["accuracy"] == found.summary["subset_accuracy"] == 0.5
    assert found.summary["accuracy_majority"] == found.summary["accuracy_all_negative"] == 0.5
    assert found.summary["pr_auc_chance"] == 0.5
    assert found.confusion_KK is None
    assert found.excluded == ()


def test_multilabel_averages_are_those_of_scikit_learn():
    given = random_multilabel()
    summary = evaluate(given).summary
    pair = given.targets_NK, given.predictions()
    for name, reference in (
        ("precision", precision_score),
        ("recall", recall_score),
        ("f1", f1_score),
    ):
        for average in ("macro", "micro", "weighted"):
            assert summary[f"{name}_{average}"] == pytest.approx(reference(*pair, average=average))
    area = roc_auc_score(given.targets_NK, given.scores_NK, average="macro")
    assert summary["roc_auc_macro"] == pytest.approx(area)
    loss = log_loss(given.targets_NK.ravel(), given.scores_NK.ravel())
    assert summary["log_loss"] == pytest.approx(loss, abs=1e-6)
    assert summary["accuracy"] == pytest.approx((pair[0] == pair[1]).mean())
    assert summary["subset_accuracy"] == pytest.approx((pair[0] == pair[1]).all(1).mean())


def test_multiclass_figures_are_those_of_scikit_learn():
    given = random_multiclass()
    found = evaluate(given)
    truth, answers = given.targets_NK.argmax(1), given.scores_NK.argmax(1)
    assert found.confusion_KK is not None
    assert found.confusion_KK.tolist() == confusion_matrix(truth, answers).tolist()
    assert found.summary["accuracy"] == pytest.approx((truth == answers).mean())
    assert found.summary["f1_macro"] == pytest.approx(f1_score(truth, answers, average="macro"))
    assert found.summary["f1_micro"] == pytest.approx(found.summary["accuracy"])
    loss = log_loss(truth, given.scores_NK)
    assert found.summary["log_loss"] == pytest.approx(loss, abs=1e-6)
    assert found.summary["accuracy_majority"] == np.bincount(truth).max() / len(truth)
    assert "accuracy_all_negative" not in found.summary


def test_a_class_that_no_track_has_is_a_row_of_the_confusion_matrix_and_excluded():
    shares = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]
    found = evaluate(labelled(shares, np.eye(3)[[0, 1, 1]], kind=MULTICLASS))
    assert found.confusion_KK.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert found.excluded == ("k2",)
    assert found.summary["recall_macro"] == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize("column", [[0, 0, 0], [1, 1, 1]])
def test_a_tag_on_no_track_or_all_has_no_figures_and_leaves_the_averages(column):
    judged = [[0.9], [0.2], [0.4]], [[1], [0], [1]]
    alone = evaluate(labelled(*judged))
    beside = evaluate(labelled(np.c_[judged[0], [0.7, 0.2, 0.3]], np.c_[judged[1], column]))
    tag = beside.tags[1]
    assert (tag.precision, tag.recall, tag.f1, tag.roc_auc, tag.pr_auc) == (None,) * 5
    assert tag.num_positives == sum(column)
    assert beside.excluded == ("k1",)
    for name in ("precision", "recall", "f1", "roc_auc", "pr_auc"):
        assert beside.summary[f"{name}_macro"] == alone.summary[f"{name}_macro"]
    assert beside.summary["pr_auc_chance"] == alone.summary["pr_auc_chance"]


def test_precision_without_predictions_is_none_and_counts_as_nothing_won():
    found = evaluate(labelled([[0.1, 0.9], [0.2, 0.1]], [[1, 1], [0, 0]]))
    silent = found.tags[0]
    assert (silent.precision, silent.recall, silent.f1) == (None, 0.0, 0.0)
    assert found.summary["precision_macro"] == 0.5


def test_figures_that_nothing_defines_are_missing_and_never_a_number():
    found = evaluate(labelled([[0.9, 0.1], [0.2, 0.3]], np.zeros((2, 2))))
    assert {"accuracy", "log_loss", "calibration_error"} <= set(found.summary)
    missing = set(METRICS) - set(found.summary)
    assert {"f1_macro", "f1_micro", "roc_auc_macro", "pr_auc_macro"} <= missing
    assert all(np.isfinite(value) for value in found.summary.values())


@pytest.mark.parametrize(
    "given", [random_multilabel(), random_multiclass()], ids=["multilabel", "multiclass"]
)
def test_one_metric_alone_is_the_same(given):
    summary = evaluate(given).summary
    assert set(METRICS) <= set(summary)
    for name in METRICS:
        assert metric(given, name=name) == pytest.approx(summary[name], abs=1e-12), name


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no metric 'f2'; known are accuracy, .*log_loss"):
        metric(random_multilabel(), name="f2")


def test_a_metric_that_is_not_defined_is_refused():
    with pytest.raises(ValueError, match="roc_auc_macro is not defined"):
        metric(labelled([[0.9], [0.2]], [[0], [0]]), name="roc_auc_macro")


def test_one_class_alone_is_always_right_and_judges_nothing():
    found = evaluate(labelled([[1.0], [1.0]], [[1], [1]], kind=MULTICLASS))
    assert found.summary["accuracy"] == found.summary["accuracy_majority"] == 1.0
    assert found.excluded == ("k0",)
    assert "f1_macro" not in found.summary
