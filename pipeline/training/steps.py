"""The steps of an epoch on one worker of a team.

A step is `micro_batches` equal parts, shared out over the team; each part has its own batch norm
statistics, its own random numbers and counts the same, so that how many workers there are changes
nothing but the order of sums.

Shapes: N chunks, M mel bands, F frames, L logits, S steps, B tracks of a step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.audio.frontend import Frontend
from pipeline.errors import UserError
from pipeline.training.ahead import ahead
from pipeline.training.augment import Augmentation
from pipeline.training.chunks import Tracks
from pipeline.training.lesson import Lesson
from pipeline.training.norms import RunningStatistics
from pipeline.training.order import balancing_weights, epoch_steps
from pipeline.training.recipe import autocast_type, learning_rate, phase
from pipeline.training.task import tensor
from pipeline.training.team import Team

CHECK_STEPS = 25
"""Losses are looked at so often: on a GPU each look waits for it."""
_SHOWN = 5


class LossError(UserError):
    """A loss is infinite or no number; the same weights and tracks would give it again."""


@dataclass(frozen=True)
class Part:
    """A worker's share of a step, ready for the network.

    Attributes:
        number: in the step, from 0.
        chunks: mels as stored (N, M, F).
        wanted: targets of the loss (N, L).
    """

    number: int
    chunks: NDArray[np.float16]
    wanted: NDArray[np.float32]


@dataclass(frozen=True)
class EpochLoss:
    """What the steps of an epoch gave.

    Attributes:
        train_loss: mean over the steps of the whole team.
        lr: learning rate of the last step.
        chunks: learned from by the whole team.
        waiting_s: time in which this worker's network waited for data.
    """

    train_loss: float
    lr: float
    chunks: int
    waiting_s: float


class Steps:
    """Runs the steps of epochs.

    Args:
        lesson: what is learned.
        train: tracks to learn from.
        network: on `device`; its weights change.
        team: the workers.
        device: where the network is.
    """

    def __init__(
        self,
        lesson: Lesson,
        *,
        train: Tracks,
        network: nn.Module,
        team: Team,
        device: torch.device,
    ) -> None:
        self._lesson, self._train, self._team, self._device = lesson, train, team, device
        self._frontend = Frontend(lesson.frontend)
        self._augment = Augmentation(lesson.augment, lesson.frontend.compression)
        self._weights_N = balancing_weights(train.targets_NK) if lesson.augment.balance else None
        self._wanted_NL = lesson.task.wanted(train.targets_NK)
        self._autocast = autocast_type(lesson.recipe.precision, device=device)
        self._own = lesson.recipe.micro_batches // team.size
        self._network, self._shared = network, team.wrap(network)
        self._statistics = RunningStatistics(network)

    def epoch(
        self, optimiser: torch.optim.Optimizer, *, epoch: int, losses: Sequence[float]
    ) -> EpochLoss:
        """All steps of an epoch.

        Args:
            optimiser: of the network.
            epoch: from 0.
            losses: on validation, of the epochs before.

        Raises:
            LossError: the message names the tracks of the step.
        """
        recipe = self._lesson.recipe
        steps_SB = epoch_steps(
            len(self._train),
            batch_tracks=recipe.batch_tracks,
            seed=recipe.seed,
            epoch=epoch,
            weights_N=self._weights_N,
        )
        self._shared.train()
        parts = ahead(self._parts(steps_SB, epoch=epoch))
        pace = phase(recipe, epoch=epoch, losses=losses)
        unchecked: list[Tensor] = []
        checked: list[float] = []
        waiting_s, lr, num_steps = 0.0, 0.0, len(steps_SB)
        for step in range(num_steps):
            lr = learning_rate(recipe, phase=pace, epoch=epoch, step=step, steps=num_steps)
            for group in optimiser.param_groups:
                group["lr"] = lr
            loss, waited_s = self._step(optimiser, parts, key=(recipe.seed, epoch, step))
            unchecked.append(loss)
            waiting_s += waited_s
            if len(unchecked) == CHECK_STEPS or step == num_steps - 1:
                checked += self._check(unchecked, steps_SB[len(checked) :], epoch=epoch)
                unchecked = []
        return EpochLoss(float(np.mean(checked)), lr, steps_SB.size, waiting_s)

    def _step(
        self,
        optimiser: torch.optim.Optimizer,
        parts: Iterator[Part],
        *,
        key: tuple[int, int, int],
    ) -> tuple[Tensor, float]:
        """One step of the optimiser; gives this worker's mean loss and its wait for data."""
        optimiser.zero_grad(set_to_none=True)
        self._statistics.start_step()
        total, waited_s = torch.zeros((), device=self._device), 0.0
        for i in range(self._own):
            started = time.monotonic()
            part = next(parts)
            waited_s += time.monotonic() - started
            if i == self._own - 1:  # its backward pass exchanges what all have added up
                total += self._learn(part, key=key)
            else:
                with self._team.own_gradients(self._shared):
                    total += self._learn(part, key=key)
            self._statistics.end_part()
        self._statistics.end_step(self._team)
        if self._lesson.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._lesson.recipe.clip_norm)
        optimiser.step()
        return total, waited_s

    def _learn(self, part: Part, *, key: tuple[int, int, int]) -> Tensor:
        """Forward and backward of one part; its share of this worker's loss."""
        mel_NMF = self._frontend.network_input(tensor(part.chunks, device=self._device))
        wanted_NL = tensor(part.wanted, device=self._device)
        mel_NMF, wanted_NL = self._augment(mel_NMF, wanted_NL, key=(*key, part.number))
        dropout_seed = np.random.SeedSequence((*key, part.number)).generate_state(1)[0]
        torch.manual_seed(int(dropout_seed))
        kind = self._autocast
        with torch.autocast(self._device.type, dtype=kind, enabled=kind is not None):
            logits_NL = self._shared(mel_NMF).logits_NK
        loss: Tensor = self._lesson.task.loss(logits_NL.float(), wanted_NL) / self._own
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _parts(self, steps_SB: NDArray[np.int64], *, epoch: int) -> Iterator[Part]:
        """This worker's parts of all steps."""
        lesson, first = self._lesson, self._team.rank * self._own
        for rows_B in steps_SB:
            parts = np.split(rows_B, lesson.recipe.micro_batches)
            for number in range(first, first + self._own):
                chunks = self._train.crops(
                    parts[number],
                    seed=lesson.recipe.seed,
                    epoch=epoch,
                    chunk_frames=lesson.chunking.length,
                )
                yield Part(number, chunks, self._wanted_NL[parts[number]])

    def _check(
        self, losses: Sequence[Tensor], steps_SB: NDArray[np.int64], *, epoch: int
    ) -> list[float]:
        """The team's losses of some steps; all workers stop at the same step, or none does."""
        found: list[float] = self._team.mean(torch.stack(list(losses))).tolist()
        for step, loss in enumerate(found):
            if not np.isfinite(loss):
                ids = [self._train.track_ids[row] for row in steps_SB[step].tolist()]
                raise LossError(
                    f"the loss is {loss} in epoch {epoch + 1}; the step's {len(ids)} tracks: "
                    f"{', '.join(ids[:_SHOWN])}, ... Lower recipe.lr, set recipe.clip_norm, or "
                    "look at these tracks' features. The checkpoint of the epoch before is kept."
                )
        return found
