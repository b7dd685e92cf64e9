"""The sections and the job of playlist: what is asked, what holds, what departures cost."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig
from pipeline.consumers.playlist_rules import Curve, Match, NeighbourRule


class AskConfig(Section):
    """What the tracks shall be like."""

    like: tuple[str, ...] = Field(description="tags that they have")
    refuse: tuple[str, ...] = Field(description="tags that they do not have")
    seed_tracks: tuple[str, ...] = Field(description="tracks that they are similar to")
    prompt: str | None = Field(description="a sentence that is read as tags")


class TagsConfig(Section):
    """When a track has a tag."""

    taxonomies: tuple[str, ...] = Field(description="whose tags are known; empty: all")
    match: Match = Field(description="all or any of the liked tags")
    percentile: float = Field(
        description="of a tag's scores, from where on it counts without a threshold", ge=0, le=100
    )
    best_fraction: float = Field(
        description="of a tag's best score, below which it does not count without a threshold",
        ge=0,
        le=1,
    )
    refused_fraction: float = Field(
        description="of its best score, from where on a refused tag counts without a threshold",
        ge=0,
        le=1,
    )
    nearest: NonNegativeInt = Field(description="tags that words without one are mapped to")
    min_similarity: float = Field(description="of such words and a tag, cosine", ge=-1, le=1)


class LengthConfig(Section):
    """How long the playlist is: one of the two."""

    tracks: PositiveInt | None = Field(description="its number of tracks")
    minutes: PositiveFloat | None = Field(description="its length at most")


class RulesConfig(Section):
    """What holds for the whole."""

    per_artist: PositiveInt | None = Field(description="tracks of one artist; null: any number")
    curve: Curve = Field(description="of energy: none, flat, rising, falling, arc")
    diversity: float = Field(description="0: closeness alone; 1: difference alone", ge=0, le=1)
    seed: NonNegativeInt = Field(description="of the order among near ties")


class NeighboursConfig(Section):
    """What holds for tracks side by side, where both are described."""

    rule: NeighbourRule = Field(description="ignore, prefer or require")
    tempo_ratio: float | None = Field(
        description="at most, also at half or double; null: any", ge=1
    )
    key_distance: NonNegativeInt | None = Field(
        description="at most, steps on the Camelot wheel; null: any"
    )


class WeightsConfig(Section):
    """What departures cost, in units of closeness (0 to 1)."""

    curve: NonNegativeFloat = Field(description="off the energy curve by 1")
    tempo: NonNegativeFloat = Field(description="a leap in tempo")
    key: NonNegativeFloat = Field(description="a leap in key")
    near_tie: NonNegativeFloat = Field(description="tracks this near are ordered by the seed")


class PoolConfig(Section):
    """Which tracks are considered."""

    max_candidates: PositiveInt = Field(description="the closest that are held in memory")
    embedding: str | None = Field(description="taxonomy whose embedding is compared; null: widest")


class PlaylistJob(Section):
    """conf/playlist.yaml."""

    workspace: WorkspaceConfig
    ask: AskConfig
    tags: TagsConfig
    length: LengthConfig
    rules: RulesConfig
    neighbours: NeighboursConfig
    weights: WeightsConfig
    pool: PoolConfig
    query: QueryLimitsConfig
