"""The strongest activations of a unit over any number of tracks, in any order, in bounded memory.

Hits are ranked by activation, then by track_id, then by time, so that ties fall the same way
whoever finds them first. A track counts once for a unit, with its best chunk: nine patches are nine
tracks. Merging is associative and commutative, and merging the same hits again changes nothing, so
a piece of work that is done twice does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Unit = tuple[str, int]
"""A layer's name and a channel of it."""


@dataclass(frozen=True)
class Hit:
    """A unit's activation in a chunk of a track.

    Attributes:
        activation: the largest of the unit's map.
        track_id: the track.
        start_s: where the chunk starts, seconds.
    """

    activation: float
    track_id: str
    start_s: float

    @property
    def rank(self) -> tuple[float, str, float]:
        """What hits are sorted by; the strongest comes first."""
        return (-self.activation, self.track_id, self.start_s)


def strongest(hits: Iterable[Hit], *, size: int) -> tuple[Hit, ...]:
    """The best hit of each track, of them the best `size`, strongest first."""
    best: dict[str, Hit] = {}
    for hit in hits:
        other = best.get(hit.track_id)
        if other is None or hit.rank < other.rank:
            best[hit.track_id] = hit
    return tuple(sorted(best.values(), key=lambda hit: hit.rank)[:size])


@dataclass
class Strongest:
    """The best hits of each unit so far.

    Attributes:
        size: hits that are kept of a unit.
        hits: at most so many of each, strongest first.
    """

    size: int
    hits: dict[Unit, tuple[Hit, ...]] = field(default_factory=dict)

    def add(self, unit: Unit, hit: Hit) -> None:
        """Takes a hit."""
        kept = self.hits.get(unit, ())
        if len(kept) < self.size or hit.rank < kept[-1].rank:
            self.hits[unit] = strongest((*kept, hit), size=self.size)

    def merge(self, hits: Mapping[Unit, Iterable[Hit]]) -> None:
        """Takes what another has found."""
        for unit, found in hits.items():
            self.hits[unit] = strongest((*self.hits.get(unit, ()), *found), size=self.size)

    def of_tracks(self, track_ids: frozenset[str]) -> dict[Unit, tuple[Hit, ...]]:
        """Those of the hits that are of certain tracks; units without any are left out."""
        found = {
            unit: tuple(hit for hit in hits if hit.track_id in track_ids)
            for unit, hits in self.hits.items()
        }
        return {unit: hits for unit, hits in found.items() if hits}
