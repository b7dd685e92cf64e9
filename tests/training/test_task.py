import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.models.head import HeadKind
from pipeline.taxonomy import TaskKind
from pipeline.training.task import Task, make_task

LABELS = [["a---x"], ["a---y", "a---z"], ["a---x", "a---y"], []]


def task(kind, labels=LABELS, **chosen):
    settings = {"tags": None, "category": "a"} | chosen
    return make_task("test", kind=TaskKind(kind), train_labels=labels, **settings)


def test_a_category_gives_the_tags_that_training_tracks_have_sorted():
    assert task("multilabel").taxonomy.tags == ("a---x", "a---y", "a---z")


def test_given_tags_keep_their_order():
    assert task("multilabel", tags=["a---z", "a---x"]).taxonomy.tags == ("a---z", "a---x")


def test_a_multilabel_track_may_have_no_tag():
    targets_NK = task("multilabel").targets(LABELS)
    assert targets_NK.tolist() == [
        [True, False, False],
        [False, True, True],
        [True, True, False],
        [False, False, False],
    ]


def test_a_multiclass_track_with_two_tags_is_refused_with_its_tags():
    with pytest.raises(ConfigError, match=r"2 track\(s\).*a---y, a---z.*multilabel"):
        task("multiclass").targets([["a---x"], ["a---y", "a---z"], []])


def test_a_tag_that_no_training_track_has_is_refused():
    with pytest.raises(ConfigError, match="no training track has a---q"):
        task("multilabel", tags=["a---x", "a---q"])


def test_a_binary_task_has_one_tag():
    assert task("binary", tags=["a---x"]).num_logits == 1
    with pytest.raises(ConfigError, match="binary and has 3 tags"):
        task("binary")


def test_a_powerset_has_a_class_for_each_set_that_training_tracks_have():
    made = task("powerset")
    assert made.head.kind is HeadKind.POWERSET
    assert made.head.sets == ((), (0,), (0, 1), (1, 2))
    wanted_NL = made.wanted(made.targets(LABELS))
    assert wanted_NL.sum(1).tolist() == [1, 1, 1, 1]
    assert wanted_NL.argmax(1).tolist() == [1, 3, 2, 0]


@given(st.integers(0, 2**31), st.sampled_from(["multiclass", "multilabel"]))
def test_the_loss_of_logits_is_the_mean_loss_of_their_scores(seed, kind):
    made = task(kind, labels=[["a---x"], ["a---y"], ["a---z"]])
    torch.manual_seed(seed)
    logits_NL = torch.randn(4, 3)
    targets_NK = torch.eye(3)[torch.randint(0, 3, (4,))]
    scores_NK = made.head.scores(logits_NL, num_tags=3)
    loss = made.loss(logits_NL, targets_NK)
    torch.testing.assert_close(loss, made.score_loss(scores_NK, targets_NK).mean())


def test_a_set_that_training_never_met_has_a_finite_loss():
    made = task("powerset")
    scores_NK = torch.tensor([[0.0, 1.0, 0.0]])
    loss_N = made.score_loss(scores_NK, torch.tensor([[True, True, True]]))
    assert torch.isfinite(loss_N).all()


@pytest.mark.parametrize("kind", ["multiclass", "multilabel", "powerset"])
def test_a_task_survives_its_file(kind):
    made = task(kind)
    assert Task.from_json(made.to_json()) == made


def test_labels_outside_count_as_none():
    made = task("multilabel", tags=["a---x"])
    assert made.targets([["a---y"]]).tolist() == [[False]]
    assert np.asarray(made.wanted(made.targets([["a---x"]]))).dtype == np.float32
