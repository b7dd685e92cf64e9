import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models.head import SIGMOID, Head, HeadKind


def test_a_sigmoid_head_takes_each_logit_alone():
    logits_NL = torch.tensor([[0.0, 2.0]])
    torch.testing.assert_close(SIGMOID.scores(logits_NL, num_tags=2), logits_NL.sigmoid())


def test_a_softmax_head_shares_one_out():
    scores_NK = Head(HeadKind.SOFTMAX).scores(torch.randn(5, 3), num_tags=3)
    torch.testing.assert_close(scores_NK.sum(1), torch.ones(5))


def test_a_tag_of_a_powerset_scores_the_sum_of_the_sets_that_hold_it():
    head = Head(HeadKind.POWERSET, ((), (0,), (0, 2)))
    shares = torch.tensor([[0.2, 0.3, 0.5]])
    scores_NK = head.scores(shares.log(), num_tags=3)
    torch.testing.assert_close(scores_NK, torch.tensor([[0.8, 0.0, 0.5]]))
    assert head.num_logits(3) == 3


@given(st.integers(1, 6), st.integers(0, 2**31))
def test_powerset_scores_are_probabilities(num_sets, seed):
    sets = tuple(tuple(i for i in range(4) if n >> i & 1) for n in range(num_sets))
    torch.manual_seed(seed)
    scores_NK = Head(HeadKind.POWERSET, sets).scores(20 * torch.randn(3, num_sets), num_tags=4)
    assert scores_NK.shape == (3, 4)
    assert ((scores_NK >= 0) & (scores_NK <= 1)).all()


@pytest.mark.parametrize(
    ("kind", "sets"),
    [("powerset", ()), ("sigmoid", ((0,),)), ("powerset", ((0,), (0,)))],
)
def test_a_head_that_makes_no_sense_is_refused(kind, sets):
    with pytest.raises(ValueError, match="set"):
        Head(HeadKind(kind), sets)


def test_a_head_survives_its_file():
    head = Head(HeadKind.POWERSET, ((), (0, 1)))
    assert Head.from_json(head.to_json()) == head
