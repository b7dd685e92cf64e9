"""What a tagger learns: which tags, read how, from which labels, under which loss.

Shapes: N tracks or chunks, K tags, L logits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipeline.errors import ConfigError
from pipeline.models.head import SIGMOID, Head, HeadKind
from pipeline.taxonomy import SEPARATOR, TaskKind, Taxonomy

LEAST_SCORE = 1e-7
"""Scores are moved this far from 0 and 1 before a logarithm."""
_SHOWN = 5


@dataclass(frozen=True)
class Task:
    """A question to a track.

    Attributes:
        kind: how many tags a track has, and how they are decided.
        taxonomy: the tags in the order of the scores.
        head: from logits to scores.
    """

    kind: TaskKind
    taxonomy: Taxonomy
    head: Head

    @property
    def num_logits(self) -> int:
        """Outputs of the network."""
        return self.head.num_logits(len(self.taxonomy.tags))

    def targets(self, labels: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
        """Which tags each track has (N, K); labels outside the taxonomy count as none.

        Raises:
            ConfigError: a multiclass track with no tag, or with several.
        """
        index = {tag: i for i, tag in enumerate(self.taxonomy.tags)}
        targets_NK = np.zeros((len(labels), len(index)), dtype=bool)
        for row, mine in enumerate(labels):
            targets_NK[row, [index[label] for label in mine if label in index]] = True
        counts_N = targets_NK.sum(1)
        if self.kind is TaskKind.MULTICLASS and (counts_N != 1).any():
            wrong = int((counts_N != 1).sum())
            example = sorted(labels[int(np.argmax(counts_N != 1))])
            raise ConfigError(
                f"task {self.taxonomy.name}: {wrong} track(s) do not have exactly one of the tags "
                f"(the first has: {', '.join(example) or 'none'}), which a multiclass task needs; "
                "set task.kind to multilabel, or choose other tags"
            )
        return targets_NK

    def wanted(self, targets_NK: NDArray[np.bool_]) -> NDArray[np.float32]:
        """What the loss compares logits with (N, L): a row of a powerset marks the track's set."""
        if self.head.kind is not HeadKind.POWERSET:
            return targets_NK.astype(np.float32)
        index = {tags: i for i, tags in enumerate(self.head.sets)}
        wanted_NL = np.zeros((len(targets_NK), len(index)), dtype=np.float32)
        for row, has in enumerate(targets_NK):
            wanted_NL[row, index[tuple(np.flatnonzero(has).tolist())]] = 1.0
        return wanted_NL

    def loss(self, logits_NL: Tensor, wanted_NL: Tensor) -> Tensor:
        """Mean loss of chunks: binary cross-entropy over tags, or cross-entropy over classes.

        `wanted_NL` may be soft, as mixup makes it.
        """
        if self.head.kind is HeadKind.SIGMOID:
            return functional.binary_cross_entropy_with_logits(logits_NL, wanted_NL)
        return functional.cross_entropy(logits_NL, wanted_NL)

    def score_loss(self, scores_NK: Tensor, targets_NK: Tensor) -> Tensor:
        """The loss of scores instead of logits (N): also for sets that training never met."""
        scores_NK = scores_NK.clamp(LEAST_SCORE, 1.0 - LEAST_SCORE)
        if self.head.kind is HeadKind.SOFTMAX:
            return -(scores_NK.log() * targets_NK).sum(1)
        return functional.binary_cross_entropy(
            scores_NK, targets_NK.to(scores_NK.dtype), reduction="none"
        ).mean(1)

    def to_json(self) -> dict[str, Any]:
        """For files."""
        return {
            "kind": str(self.kind),
            "name": self.taxonomy.name,
            "tags": list(self.taxonomy.tags),
            "head": self.head.to_json(),
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Task:
        """The inverse of `to_json`."""
        taxonomy = Taxonomy(facts["name"], tuple(facts["tags"]))
        return cls(TaskKind(facts["kind"]), taxonomy, Head.from_json(facts["head"]))


def make_task(
    name: str,
    *,
    kind: TaskKind,
    tags: Sequence[str] | None,
    category: str | None,
    train_labels: Sequence[Sequence[str]],
) -> Task:
    """The task of a configuration, with what the training tracks say of it.

    Args:
        name: of the taxonomy.
        kind: what is asked.
        tags: in order; None takes all of `category` that training tracks have, sorted.
        category: see `tags`; exactly one of the two is given.
        train_labels: of each training track, its labels in the tags' categories.

    Raises:
        ConfigError: tags that make no taxonomy, or that no training track has, or several for a
            binary task.
    """
    counts = Counter(label for mine in train_labels for label in mine)
    chosen = tuple(tags) if tags else tuple(sorted(counts))
    try:
        taxonomy = Taxonomy(name, chosen)
    except ValueError as error:
        raise ConfigError(f"task.tags: {error}") from None
    if not chosen:
        raise ConfigError(
            f"no training track has a label {category}{SEPARATOR}...: nothing to learn"
        )
    missing = [tag for tag in chosen if not counts[tag]]
    if missing:
        raise ConfigError(
            f"task {name}: no training track has {', '.join(missing[:_SHOWN])}"
            + (f" and {len(missing) - _SHOWN} more tags" if len(missing) > _SHOWN else "")
            + "; take them out of task.tags, or label tracks of the split train with them"
        )
    if kind is TaskKind.BINARY and len(chosen) != 1:
        raise ConfigError(f"task {name} is binary and has {len(chosen)} tags; give task.tags one")
    return Task(kind, taxonomy, _head(kind, taxonomy, train_labels))


def _head(kind: TaskKind, taxonomy: Taxonomy, labels: Sequence[Sequence[str]]) -> Head:
    if kind is TaskKind.MULTICLASS:
        return Head(HeadKind.SOFTMAX)
    if kind is not TaskKind.POWERSET:
        return SIGMOID
    index = {tag: i for i, tag in enumerate(taxonomy.tags)}
    sets = {tuple(sorted(index[label] for label in mine if label in index)) for mine in labels}
    return Head(HeadKind.POWERSET, tuple(sorted(sets)))


def tensor(values: NDArray[Any], *, device: torch.device) -> Tensor:
    """Values on a device, without waiting for the copy."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device, non_blocking=True)
