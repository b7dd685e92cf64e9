"""The sections and the job of similar."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig


class SimilarConfig(Section):
    """Which tracks are compared with one."""

    model: str | None = Field(description="a current model or taxonomy; null: the only one")
    limit: PositiveInt = Field(description="tracks at most")
    per_artist: PositiveInt | None = Field(description="tracks of one artist; null: any number")
    like: tuple[str, ...] = Field(description="tags that they must have: TAG>=MINIMUM")
    unlike: tuple[str, ...] = Field(description="tags not wanted: TAG, TAG<=MAXIMUM")
    ranges: tuple[str, ...] = Field(description="COLUMN=LOW:HIGH of descriptors, year, duration_s")


class SimilarRuntimeConfig(Section):
    """Changes speed, never a result."""

    cache: str | None = Field(
        description="folder for the embeddings' local file; null: the system's"
    )


class SimilarJob(Section):
    """conf/similar.yaml."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig
    similar: SimilarConfig
    runtime: SimilarRuntimeConfig
