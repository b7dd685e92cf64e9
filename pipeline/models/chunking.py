"""How a track becomes the pieces that a network takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pipeline.audio.chunk import Tail, chunk_starts, spread_starts


class Domain(StrEnum):
    """What is cut into chunks."""

    WAVEFORM = "waveform"
    """The wave: each chunk has a mel of its own, with its own edges."""
    FRAMES = "frames"
    """The mel of the whole track."""


@dataclass(frozen=True)
class Chunking:
    """How a track becomes the pieces that a network takes.

    Audio shorter than one chunk is repeated to fill it.

    Attributes:
        domain: what is cut.
        length: of a chunk, in samples (waveform) or frames.
        hop: from one chunk's start to the next, in the same unit.
        tail: what happens to the rest after the last full chunk.
        count: so many chunks at equal distances instead, whatever the track's length.
    """

    domain: Domain
    length: int
    hop: int
    tail: Tail
    count: int | None = None

    def starts(self, length: int) -> list[int]:
        """Where chunks start in what is `length` long; what is shorter than one counts as one."""
        if self.count is not None:
            return spread_starts(length, chunk=self.length, count=self.count)
        return chunk_starts(
            max(length, self.length), chunk=self.length, hop=self.hop, tail=self.tail
        )

    def to_json(self) -> dict[str, Any]:
        """For files and tables; without `count` where there is none, so that ids stay."""
        facts = asdict(self)
        if self.count is None:
            del facts["count"]
        return facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Chunking:
        """The inverse of `to_json`; ValueError for an unknown domain or tail."""
        return cls(**facts | {"domain": Domain(facts["domain"]), "tail": Tail(facts["tail"])})
