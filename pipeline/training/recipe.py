"""Optimisers and learning rates by epoch and step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from pipeline.config_training import Precision, RecipeConfig, RecipeKind

SWITCHES = (80, 100, 120)
"""Epochs at which the published recipe goes back to its best weights and changes (section 1.7 of
sota-music-tagging-models' solver: Adam, then SGD with momentum at 1e-3, 1e-4, 1e-5)."""
SGD_RATES = (1e-3, 1e-4, 1e-5)
MOMENTUM = 0.9
PLATEAU_EPOCHS = 75
"""musicnn's training halves the learning rate after so many epochs without a lower loss
(facts of musicnn-training's experiments; the weights go on from where they are)."""


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs with one optimiser.

    Attributes:
        number: 0 is the first.
        optimiser: adamw, adam or sgd.
        lr: the learning rate; of adamw the highest.
    """

    number: int
    optimiser: str
    lr: float


def phase(recipe: RecipeConfig, *, epoch: int, losses: Sequence[float]) -> Phase:
    """The phase of an epoch; a phase after the first starts from the best weights so far.

    Args:
        recipe: the settings.
        epoch: from 0.
        losses: on validation, of the epochs before.
    """
    if recipe.kind is RecipeKind.ADAMW:
        return Phase(0, "adamw", recipe.lr)
    if recipe.kind is RecipeKind.MUSICNN:
        return Phase(0, "adam", recipe.lr * 0.5 ** plateaus(losses, patience=PLATEAU_EPOCHS))
    passed = sum(epoch >= switch for switch in SWITCHES)
    if passed == 0:
        return Phase(0, "adam", recipe.lr)
    return Phase(passed, "sgd", SGD_RATES[passed - 1])


def plateaus(losses: Sequence[float], *, patience: int) -> int:
    """How often `patience` epochs have passed since the lowest loss, or since the time before."""
    lowest, waited, times = math.inf, 0, 0
    for loss in losses:
        if loss < lowest:
            lowest, waited = loss, 0
            continue
        waited += 1
        if waited == patience:
            waited, times = 0, times + 1
    return times


def make_optimiser(
    parameters: Iterable[nn.Parameter], *, phase: Phase, recipe: RecipeConfig
) -> Optimizer:
    """A fresh optimiser of a phase."""
    if phase.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=phase.lr, weight_decay=recipe.weight_decay)
    if phase.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=phase.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        parameters,
        lr=phase.lr,
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )


def learning_rate(
    recipe: RecipeConfig, *, phase: Phase, epoch: int, step: int, steps: int
) -> float:
    """Of one step: adamw rises linearly, then falls as half a cosine to zero; else constant.

    Args:
        recipe: the settings.
        phase: of the epoch.
        epoch: from 0.
        step: from 0, within the epoch.
        steps: of an epoch.
    """
    if recipe.kind is not RecipeKind.ADAMW:
        return phase.lr
    done, total = epoch * steps + step, recipe.epochs * steps
    warmup = min(round(recipe.warmup_epochs * steps), total)
    if done < warmup:
        return phase.lr * (done + 1) / warmup
    return phase.lr * 0.5 * (1.0 + math.cos(math.pi * (done - warmup) / max(1, total - warmup)))


def autocast_type(precision: Precision, *, device: torch.device) -> torch.dtype | None:
    """The type of the forward pass' products; None for float32."""
    if precision is Precision.BF16:
        return torch.bfloat16
    if precision is Precision.AUTO and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return None
