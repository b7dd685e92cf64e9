"""An ordered, versioned list of tags; index i is output i of every model that uses it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

SEPARATOR = "---"


class TaskKind(StrEnum):
    """What is asked of a taxonomy's tags."""

    BINARY = "binary"
    """One tag: has the track it, or not."""
    MULTICLASS = "multiclass"
    """Exactly one of the tags."""
    MULTILABEL = "multilabel"
    """Any number of the tags, each decided on its own."""
    POWERSET = "powerset"
    """Any number of the tags, decided together: each set of tags that occurs is a class."""


@dataclass(frozen=True)
class Taxonomy:
    """Tags as `category---name`, in the order of the model's outputs.

    Attributes:
        name: short name, used in views (`tag_scores_NAME`), for example `mtat50`.
        tags: `category---name`, unique.

    Raises:
        ValueError: a tag without a category, or one that stands twice.
    """

    name: str
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        for tag in self.tags:
            category, separator, name = tag.partition(SEPARATOR)
            if not (category and separator and name):
                raise ValueError(
                    f"taxonomy {self.name}: {tag!r} is not of the form category---name"
                )
        if len(set(self.tags)) != len(self.tags):
            twice = sorted({tag for tag in self.tags if self.tags.count(tag) > 1})
            raise ValueError(f"taxonomy {self.name}: tags stand twice: {', '.join(twice)}")

    @property
    def categories(self) -> tuple[str, ...]:
        """The category of each tag, in order."""
        return tuple(tag.partition(SEPARATOR)[0] for tag in self.tags)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each tag without its category, in order."""
        return tuple(tag.partition(SEPARATOR)[2] for tag in self.tags)

    @property
    def taxonomy_id(self) -> str:
        """Name and content hash: two lists of one name that differ have different ids."""
        digest = hashlib.sha256(json.dumps(self.tags).encode()).hexdigest()
        return f"{self.name}-{digest[:8]}"

    def encode(self, labels: list[str]) -> list[int]:
        """Indices of labels, in the order given.

        Raises:
            ValueError: labels that the taxonomy lacks, all named.
        """
        index = {tag: i for i, tag in enumerate(self.tags)}
        unknown = [label for label in labels if label not in index]
        if unknown:
            raise ValueError(f"taxonomy {self.name} has no tag {', '.join(map(repr, unknown))}")
        return [index[label] for label in labels]

    def decode(self, indices: list[int]) -> list[str]:
        """Tags at the indices, in the order given."""
        return [self.tags[i] for i in indices]
