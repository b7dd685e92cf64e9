"""The training loop: epochs, a judgement after each, and the best weights kept.

The same on one worker or many, with Ray or without.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from pipeline.audio.frontend import Frontend
from pipeline.models.architectures import build
from pipeline.training.chunks import Tracks
from pipeline.training.judge import is_better, judge, metrics
from pipeline.training.lesson import Lesson
from pipeline.training.recipe import make_optimiser, phase
from pipeline.training.state import EpochFacts, State, check_weights
from pipeline.training.steps import Steps
from pipeline.training.team import Team


class Trainer:
    """One worker's part of a training.

    Args:
        lesson: what is learned.
        train: tracks to learn from.
        validation: tracks to judge by.
        team: the workers.
        device: where this one's network is.
    """

    def __init__(
        self, lesson: Lesson, *, train: Tracks, validation: Tracks, team: Team, device: torch.device
    ) -> None:
        self._lesson, self._team, self._device = lesson, team, device
        self._validation = validation
        torch.manual_seed(lesson.recipe.seed)
        network = build(lesson.architecture, parameters=lesson.parameters)
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        self._network = network.to(device)
        self._steps = Steps(lesson, train=train, network=self._network, team=team, device=device)

    def run(self, state: State | None, *, on_epoch: Callable[[EpochFacts, State], None]) -> State:
        """Trains to the end of the recipe, or until it is stopped early.

        Args:
            state: of the last checkpoint, if there is one.
            on_epoch: called on every worker after each epoch, with the state to keep.

        Raises:
            LossError: a loss is none.
            ConfigError: the checkpoint is of another network, or fewer tracks than a step takes.
        """
        state = self._resume(state)
        while not self._is_done(state):
            epoch = len(state.history)
            optimiser = self._optimiser(state, epoch=epoch)
            started = time.monotonic()
            learned = self._steps.epoch(optimiser, epoch=epoch, losses=state.losses)
            seconds = time.monotonic() - started
            scores_NK, found = self._judge()
            facts = EpochFacts(epoch, **vars(learned), metrics=found, seconds=seconds)
            state.history.append(facts)
            state.weights, state.optimiser = _on_cpu(self._network), optimiser.state_dict()
            self._keep_best(state, scores_NK)
            on_epoch(facts, state)
        return state

    def _is_done(self, state: State) -> bool:
        """Whether the recipe has ended, or has been without a better epoch for too long."""
        done, patience = len(state.history), self._lesson.recipe.patience_epochs
        tired = patience is not None and done - 1 - state.best_epoch >= patience
        return done >= self._lesson.recipe.epochs or (done > 0 and tired)

    def _resume(self, state: State | None) -> State:
        if state is None:
            return State(_on_cpu(self._network), {})
        own = self._network.state_dict()
        check_weights(state.weights, expected=own, what="the last checkpoint")
        self._network.load_state_dict(state.weights)
        return state

    def _optimiser(self, state: State, *, epoch: int) -> torch.optim.Optimizer:
        """The one of before, or the new phase's, which starts from the best weights."""
        recipe = self._lesson.recipe
        now = phase(recipe, epoch=epoch, losses=state.losses)
        optimiser = make_optimiser(self._network.parameters(), phase=now, recipe=recipe)
        if now.number != state.phase:
            self._network.load_state_dict(state.best_weights)
            state.phase = now.number
        elif state.optimiser:
            optimiser.load_state_dict(state.optimiser)
        return optimiser

    def _judge(self) -> tuple[Tensor, dict[str, float]]:
        lesson = self._lesson
        scores_NK, loss = judge(
            self._network,
            self._validation,
            task=lesson.task,
            frontend=Frontend(lesson.frontend),
            chunking=lesson.chunking,
            device=self._device,
            team=self._team,
        )
        best = lesson.recipe.best
        return scores_NK, metrics(
            scores_NK, self._validation, task=lesson.task, loss=loss, best=best
        )

    def _keep_best(self, state: State, scores_NK: Tensor) -> None:
        name = self._lesson.recipe.best
        value = state.history[-1].metrics[name]
        if is_better(value, than=state.best_value, name=name):
            state.best_epoch, state.best_value = len(state.history) - 1, value
            state.best_weights, state.best_scores = state.weights, scores_NK


def _on_cpu(network: nn.Module) -> dict[str, Tensor]:
    return {
        key: value.detach().to("cpu", copy=True).contiguous()
        for key, value in network.state_dict().items()
    }
