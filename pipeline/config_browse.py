"""The sections and the job of browse: where it listens, and what its pages start from."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveInt

from pipeline.config import (
    LimitsConfig,
    QueryLimitsConfig,
    RuntimeConfig,
    Section,
    TrackingConfig,
    WorkspaceConfig,
)
from pipeline.config_playlist import (
    LengthConfig,
    NeighboursConfig,
    PoolConfig,
    RulesConfig,
    TagsConfig,
    WeightsConfig,
)
from pipeline.config_recap import HistoryConfig, RecapConfig, RecapTagsConfig
from pipeline.config_teach import TeachConfig


class BrowseConfig(Section):
    """The server and its pages."""

    host: str = Field(description="address to listen on; any but loopback needs a token")
    port: int = Field(ge=0, le=65535, description="0: a free one")
    token_file: str | None = Field(description="file with the token; null: a new one, if needed")
    num_results: PositiveInt = Field(description="tracks on a page of results")
    num_neighbours: PositiveInt = Field(description="tracks beside a track")
    num_heard: PositiveInt = Field(description="tracks that are decoded and scored at once")
    num_waiting: PositiveInt = Field(description="tracks that may wait for that")
    max_upload_mb: PositiveInt = Field(description="of the files of a listening history, MiB")
    refresh_s: NonNegativeFloat = Field(description="seconds until commits are looked for")
    cache: str | None = Field(description="folder for the embeddings' file; null: the system's")


class BrowseJob(Section):
    """conf/browse.yaml."""

    workspace: WorkspaceConfig
    browse: BrowseConfig
    tags: TagsConfig
    length: LengthConfig
    rules: RulesConfig
    neighbours: NeighboursConfig
    weights: WeightsConfig
    pool: PoolConfig
    teaching: TeachConfig
    history: HistoryConfig
    recap: RecapConfig
    recap_tags: RecapTagsConfig
    query: QueryLimitsConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig
