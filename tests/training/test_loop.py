from dataclasses import replace

import numpy as np
import pytest
import torch
from training_lessons import lesson, tones

from pipeline.errors import ConfigError
from pipeline.training.loop import Trainer
from pipeline.training.state import State
from pipeline.training.steps import LossError
from pipeline.training.team import Alone

CPU = torch.device("cpu")
TRAIN, VALIDATION = tones(32, seed=1), tones(9, seed=2)


def trainer(told, train=TRAIN):
    return Trainer(told, train=train, validation=VALIDATION, team=Alone(), device=CPU)


def run(told, *, state=None, train=TRAIN, stop_after=None):
    """Trains; gives the state and what a checkpoint after each epoch holds."""
    kept = []

    class KilledError(Exception):
        pass

    def on_epoch(facts, state):
        kept.append(state.to_bytes())
        if stop_after == facts.epoch:
            raise KilledError

    try:
        state = trainer(told, train).run(state, on_epoch=on_epoch)
    except KilledError:
        state = None
    return state, kept


def losses(state):
    return [(facts.train_loss, facts.metrics["loss"]) for facts in state.history]


def test_the_network_learns_and_the_best_epoch_is_kept():
    state, _ = run(lesson(epochs=8, best="accuracy"))
    assert state.history[-1].train_loss < 0.5 * state.history[0].train_loss
    assert state.best_value == max(facts.metrics["accuracy"] for facts in state.history)
    assert state.best_value > 0.8
    assert state.best_scores.shape == (9, 3)


def test_the_same_lesson_gives_the_same_weights():
    first, second = run(lesson())[0], run(lesson())[0]
    assert losses(first) == losses(second)
    assert all(torch.equal(first.weights[key], second.weights[key]) for key in first.weights)


def test_a_run_that_is_killed_and_goes_on_is_the_run_that_never_was():
    told = lesson(epochs=4, augment={"mixup_alpha": 0.3, "gain_db": 3.0, "balance": True})
    whole, _ = run(told)
    _, kept = run(told, stop_after=1)
    resumed, _ = run(told, state=State.from_bytes(kept[-1]))
    assert losses(resumed) == losses(whole)
    assert all(torch.equal(resumed.weights[key], whole.weights[key]) for key in whole.weights)


def test_a_run_that_has_ended_does_nothing_more():
    state, _ = run(lesson())
    again, kept = run(lesson(), state=State.from_bytes(state.to_bytes()))
    assert kept == []
    assert losses(again) == losses(state)


def test_one_part_of_eight_and_two_of_four_differ_only_by_their_batch_norms():
    split, whole = run(lesson(epochs=1))[0], run(lesson(epochs=1, micro_batches=1))[0]
    assert split.history[0].train_loss == pytest.approx(whole.history[0].train_loss, abs=0.2)
    assert split.history[0].train_loss != whole.history[0].train_loss


def test_it_stops_when_no_epoch_is_better_for_long_enough():
    state, _ = run(lesson(epochs=50, lr=1e-12, patience_epochs=2, best="accuracy"))
    assert state.best_epoch == 0
    assert len(state.history) == 3


def test_a_loss_that_is_no_number_stops_it_and_names_the_tracks():
    broken = tones(32, seed=1)
    broken.mels.mels[5][:] = np.float16(np.nan)
    with pytest.raises(LossError, match=r"loss is nan in epoch 1; the step's 8 tracks: 1-0") as e:
        run(lesson(batch_tracks=8), train=broken)
    assert "recipe.lr" in str(e.value)


def test_a_checkpoint_of_another_network_is_refused():
    state, _ = run(lesson(epochs=1))
    other = replace(lesson(), architecture="linear")
    with pytest.raises(ConfigError, match="another architecture"):
        run(other, state=state)


def test_a_new_phase_starts_from_the_best_weights(monkeypatch):
    monkeypatch.setattr("pipeline.training.recipe.SWITCHES", (2, 3, 4))
    monkeypatch.setattr("pipeline.training.recipe.SGD_RATES", (0.0, 0.0, 0.0))
    state, _ = run(lesson(kind="published", epochs=5, weight_decay=0.0))
    assert state.phase == 3
    assert [facts.lr for facts in state.history] == [3e-3, 3e-3, 0.0, 0.0, 0.0]
    for key, value in state.best_weights.items():
        if "running" not in key and "num_batches" not in key:
            assert torch.equal(state.weights[key], value)


def test_too_few_tracks_for_a_step_are_refused():
    with pytest.raises(ConfigError, match="32 tracks, and a step takes 64"):
        run(lesson(batch_tracks=64))


def test_bf16_trains_as_well():
    state, _ = run(lesson(epochs=2, precision="bf16"))
    assert np.isfinite(losses(state)).all()
