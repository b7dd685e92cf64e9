"""What a playlist is made of: candidates, the rules and the picks that came out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

# Shape letters: N candidates, E values of an embedding.


class Curve(StrEnum):
    """How energy goes from the first track to the last."""

    NONE = "none"
    FLAT = "flat"
    RISING = "rising"
    FALLING = "falling"
    ARC = "arc"


class NeighbourRule(StrEnum):
    """What tempo and key of the track before mean for the next one."""

    IGNORE = "ignore"
    PREFER = "prefer"
    """A leap costs, and is said."""
    REQUIRE = "require"
    """No leap; the playlist ends where none of the tracks left is a neighbour."""


class Match(StrEnum):
    """How many of the liked tags a track must have."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        tonic: C, C#, D, ... B.
        mode: major or minor.
    """

    tonic: str
    mode: str

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"


@dataclass(frozen=True)
class Candidate:
    """A track that may stand in the playlist.

    Attributes:
        track_id: its identity.
        uri: where its audio is, as in the catalog.
        title: None if unknown; so are artist, album and duration_s (seconds).
        closeness: 0 to 1, how well it answers what was asked.
        scores: what it was asked for: name of the tag and score, best known first.
        refused: scores of the tags that it must not have.
        similarity: cosine with the mean of the seed tracks; None without seeds.
        tempo_bpm: None if it is not described.
        key: None if it is not described, or nothing in it is tonal.
        energy: 0 to 1, rank among the candidates; None if nothing is known of it.
    """

    track_id: str
    uri: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration_s: float | None = None
    closeness: float = 0.0
    scores: tuple[tuple[str, float], ...] = ()
    refused: tuple[tuple[str, float], ...] = ()
    similarity: float | None = None
    tempo_bpm: float | None = None
    key: Key | None = None
    energy: float | None = None


@dataclass(frozen=True)
class Pool:
    """Candidates with their embeddings.

    Attributes:
        tracks: N candidates.
        vectors_NE: (N, E) rows of length 1, or of zeros where there is no embedding.
    """

    tracks: tuple[Candidate, ...]
    vectors_NE: NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What a distance of 1 costs, in units of closeness.

    Attributes:
        curve: off the energy curve by 1.
        tempo: a leap in tempo.
        key: a leap in key.
        near_tie: tracks this near to each other are ordered by the seed.
    """

    curve: float = 1.0
    tempo: float = 0.15
    key: float = 0.1
    near_tie: float = 0.02


@dataclass(frozen=True)
class Rules:
    """What the playlist must keep, and what it should.

    Attributes:
        num_tracks: its length; None where `total_s` is given.
        total_s: its length at most, seconds; None where `num_tracks` is given.
        per_artist: tracks of one artist at most; None: any number.
        curve: of energy.
        diversity: 0 (closeness alone) to 1 (difference alone).
        seed: of the order among near ties.
        neighbours: what tempo and key mean.
        tempo_ratio: of neighbours at most, also at half and double time; None: any.
        key_distance: of neighbours at most, steps on the Camelot wheel; None: any.
        weights: what departures cost.
    """

    num_tracks: int | None = None
    total_s: float | None = None
    per_artist: int | None = None
    curve: Curve = Curve.NONE
    diversity: float = 0.3
    seed: int = 1
    neighbours: NeighbourRule = NeighbourRule.PREFER
    tempo_ratio: float | None = None
    key_distance: int | None = None
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Pick:
    """A track in its place.

    Attributes:
        track: what stands there.
        before: the track before it; None for the first.
        target_energy: what the curve asks for there; None without a curve.
        leaps: `tempo`, `key`: in what it is no neighbour of the track before.
    """

    track: Candidate
    before: Candidate | None
    target_energy: float | None
    leaps: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The picks in order, and what took other tracks away.

    Attributes:
        picks: in order.
        notes: sentences for people.
    """

    picks: tuple[Pick, ...]
    notes: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Of all tracks whose length is known, seconds."""
        return sum(pick.track.duration_s or 0.0 for pick in self.picks)
