"""The sections and the job of search."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig


class SearchConfig(Section):
    """What is searched for; the forms of the texts are in pipeline/consumers/search_request.py."""

    like: tuple[str, ...] = Field(description="tags wanted: TAG, TAG>=MINIMUM, TAG*WEIGHT")
    unlike: tuple[str, ...] = Field(description="tags not wanted: TAG, TAG<=MAXIMUM")
    ranges: tuple[str, ...] = Field(description="COLUMN=LOW:HIGH of descriptors, year, duration_s")
    artists: tuple[str, ...] = Field(description="any of these; none: all")
    datasets: tuple[str, ...] = Field(description="any of these; none: all")
    keys: tuple[str, ...] = Field(description="any of these tonics, C to B; none: all")
    mode: Literal["major", "minor"] | None = Field(description="of the key; null: both")
    per_artist: PositiveInt | None = Field(description="tracks of one artist; null: any number")
    limit: PositiveInt = Field(description="tracks at most")
    model: str | None = Field(description="a current model or taxonomy; null: what has the tags")
    unwanted_percentile: float = Field(
        description="scores over it put out, where a model has no thresholds", ge=0, le=100
    )


class SearchJob(Section):
    """conf/search.yaml."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig
    search: SearchConfig
