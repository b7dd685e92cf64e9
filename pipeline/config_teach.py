"""The section and job of `earmark teach`."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from pipeline.config import (
    LimitsConfig,
    QueryLimitsConfig,
    RuntimeConfig,
    Section,
    TrackingConfig,
    WorkspaceConfig,
)


class TeachConfig(Section):
    """A tag and its examples."""

    tag: str | None = Field(description="category---name, or a name: then of category taught")
    model: str | None = Field(description="whose embeddings are read; null: the only one there is")
    positive: tuple[str, ...] = Field(description="tracks that have it, by id or title")
    negative: tuple[str, ...] = Field(description="tracks that have it not")
    examples: str | None = Field(description="CSV or Parquet of track and has_tag; null: none")
    num_drawn: NonNegativeInt = Field(description="tracks drawn as negatives")
    precision: float = Field(gt=0, le=1, description="wanted of the tag over the catalog")
    share: float = Field(gt=0, lt=1, description="of the catalog that is assumed to have it")
    num_to_ask: PositiveInt = Field(description="tracks suggested for labelling")
    seed: NonNegativeInt = Field(description="of the draw and of the folds")


class TeachJob(Section):
    """conf/teach.yaml."""

    workspace: WorkspaceConfig
    teaching: TeachConfig
    query: QueryLimitsConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig
