"""Where a training stands after an epoch, as bytes: what a checkpoint holds.

Everything random is keyed by seed, epoch and track, so this is all that a resumed training needs to
go on as if nothing had happened.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import ConfigError


@dataclass(frozen=True)
class EpochFacts:
    """What one epoch gave.

    Attributes:
        epoch: from 0.
        train_loss: mean over its steps.
        metrics: on validation, by name; `loss` is the mean over tracks of their chunks' loss.
        lr: learning rate of the last step.
        seconds: that it took.
        chunks: that were learned from.
        waiting_s: of the seconds, those in which the network waited for data.
    """

    epoch: int
    train_loss: float
    metrics: dict[str, float]
    lr: float
    seconds: float
    chunks: int
    waiting_s: float

    @property
    def chunks_a_second(self) -> float:
        """Speed of the epoch, without its validation."""
        return self.chunks / self.seconds if self.seconds else 0.0


@dataclass
class State:
    """A training between two epochs.

    Attributes:
        weights: of the network, its buffers included.
        optimiser: its state.
        phase: of the recipe that the optimiser belongs to.
        best_epoch: whose weights are the best; -1 before there are any.
        best_value: of the metric that picks them.
        best_weights: those.
        best_scores: of the validation tracks, by those (N, K).
        history: all epochs.
    """

    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    phase: int = 0
    best_epoch: int = -1
    best_value: float = float("nan")
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    best_scores: Tensor = field(default_factory=lambda: torch.zeros(0))
    history: list[EpochFacts] = field(default_factory=list)

    @property
    def losses(self) -> list[float]:
        """On validation, of each epoch."""
        return [facts.metrics["loss"] for facts in self.history]

    def to_bytes(self) -> bytes:
        """For a checkpoint."""
        tree = vars(self) | {"history": [asdict(facts) for facts in self.history]}
        file = io.BytesIO()
        torch.save(tree, file)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> State:
        """The inverse of `to_bytes`; loads tensors and plain values, never code."""
        tree = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return cls(**tree | {"history": [EpochFacts(**facts) for facts in tree["history"]]})


def check_weights(found: dict[str, Tensor], *, expected: dict[str, Tensor], what: str) -> None:
    """Refuses a checkpoint of another network.

    Raises:
        ConfigError: keys or shapes differ.
    """
    shapes = {key: tuple(value.shape) for key, value in expected.items()}
    others = {key: tuple(value.shape) for key, value in found.items()}
    odd = sorted(key for key in shapes | others if shapes.get(key) != others.get(key))
    if odd:
        raise ConfigError(
            f"{what} is of another architecture: {len(odd)} of its tensors differ, first {odd[0]} "
            f"({others.get(odd[0])} there, {shapes.get(odd[0])} here); train under another "
            "network.name, or with the parameters of before"
        )
