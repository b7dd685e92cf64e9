"""Optimisers and learning rates by epoch and step."""

from __future__ import annotations

import math
from collections.abc import Iterable
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


def phase(recipe: RecipeConfig, *, epoch: int) -> Phase:
    """The phase of an epoch; a phase after the first starts from the best weights so far."""
    if recipe.kind is RecipeKind.ADAMW:
        return Phase(0, "adamw", recipe.lr)
    passed = sum(epoch >= switch for switch in SWITCHES)
    if passed == 0:
        return Phase(0, "adam", recipe.lr)
    return Phase(passed, "sgd", SGD_RATES[passed - 1])


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


def learning_rate(recipe: RecipeConfig, *, epoch: int, step: int, steps: int) -> float:
    """Of one step: adamw rises linearly, then falls as half a cosine to zero; else constant.

    Args:
        recipe: the settings.
        epoch: from 0.
        step: from 0, within the epoch.
        steps: of an epoch.
    """
    now = phase(recipe, epoch=epoch)
    if recipe.kind is not RecipeKind.ADAMW:
        return now.lr
    done, total = epoch * steps + step, recipe.epochs * steps
    warmup = min(round(recipe.warmup_epochs * steps), total)
    if done < warmup:
        return now.lr * (done + 1) / warmup
    return now.lr * 0.5 * (1.0 + math.cos(math.pi * (done - warmup) / max(1, total - warmup)))


def autocast_type(precision: Precision, *, device: torch.device) -> torch.dtype | None:
    """The type of the forward pass' products; None for float32."""
    if precision is Precision.BF16:
        return torch.bfloat16
    if precision is Precision.AUTO and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return None
