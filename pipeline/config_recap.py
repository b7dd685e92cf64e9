"""The sections and the job of recap: which history, whose, and in which time zone."""

from __future__ import annotations

import enum

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig


class RecapScope(enum.StrEnum):
    """Whom a recap is about."""

    PERSON = "person"
    POPULATION = "population"


class HistoryConfig(Section):
    """The listening history, and what of it counts."""

    source: str | None = Field(description="file, folder, glob or URL")
    timezone: str | None = Field(description="of times without a zone; null: these are refused")
    min_s: NonNegativeFloat = Field(description="a shorter play is a skip, seconds")
    unknown_s: PositiveFloat = Field(
        description="length of a play if neither history nor catalog says it, seconds"
    )


class RecapConfig(Section):
    """Whose recap, and how much of it."""

    scope: RecapScope = Field(description="person, or population: all users together")
    user: str | None = Field(description="needed if the history has several")
    timezone: str = Field(description="in which months, weekdays and hours are counted")
    top: PositiveInt = Field(description="entries of each list")
    min_users: PositiveInt = Field(
        description="of a population: no number is written that fewer users make", ge=2
    )


class RecapTagsConfig(Section):
    """Which tags of a track count."""

    taxonomies: tuple[str, ...] | None = Field(description="short names; null: all that are shown")
    per_category: PositiveInt = Field(
        description="of a tagger without thresholds: a track's best tags in each category"
    )


class RecapJob(Section):
    """conf/recap.yaml."""

    workspace: WorkspaceConfig
    history: HistoryConfig
    recap: RecapConfig
    tags: RecapTagsConfig
    query: QueryLimitsConfig
