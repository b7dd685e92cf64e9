"""How a network's logits become the scores of the taxonomy's tags.

Binary and multilabel taggers have one logit a tag; a multiclass one has one a tag and a softmax
over them; a label powerset has one logit for each set of tags that occurs in training, and a tag's
score is the sum over the sets that hold it (Tsoumakas and Vlahavas 2007, "Random k-labelsets").

Shapes: N chunks, L logits, K tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor


class HeadKind(StrEnum):
    """What stands on top of the logits."""

    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"
    POWERSET = "powerset"


@dataclass(frozen=True)
class Head:
    """From logits to scores.

    Attributes:
        kind: the formula.
        sets: for a powerset, the indices of the tags of each set; else empty.

    Raises:
        ValueError: a powerset without sets or with one twice, or sets for another kind.
    """

    kind: HeadKind = HeadKind.SIGMOID
    sets: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if (self.kind is HeadKind.POWERSET) != bool(self.sets):
            raise ValueError(f"a head of kind {self.kind} with {len(self.sets)} sets of tags")
        if len(set(self.sets)) != len(self.sets):
            raise ValueError("a set of tags stands twice in a powerset head")

    def num_logits(self, num_tags: int) -> int:
        """Outputs that a network must have for so many tags."""
        return len(self.sets) if self.kind is HeadKind.POWERSET else num_tags

    def scores(self, logits_NL: Tensor, *, num_tags: int) -> Tensor:
        """Scores (N, K), 0 to 1."""
        if self.kind is HeadKind.SIGMOID:
            return logits_NL.sigmoid()
        shares_NL = logits_NL.softmax(1)
        if self.kind is HeadKind.SOFTMAX:
            return shares_NL
        members_LK = torch.zeros(len(self.sets), num_tags, device=logits_NL.device)
        for row, tags in enumerate(self.sets):
            members_LK[row, list(tags)] = 1.0
        return (shares_NL @ members_LK).clamp_(0.0, 1.0)

    def to_json(self) -> dict[str, Any]:
        """For files."""
        return {"kind": str(self.kind), "sets": [list(tags) for tags in self.sets]}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Head:
        """The inverse of `to_json`; ValueError for an unknown kind."""
        return cls(HeadKind(facts["kind"]), tuple(tuple(tags) for tags in facts["sets"]))


SIGMOID = Head()
