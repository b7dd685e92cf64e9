"""The sections and the job of write-tags: which tags go into copies of the files, and where to."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig
from pipeline.consumers.file_tags_fields import Filled


class FileTagsConfig(Section):
    """What is written into the copies."""

    models: tuple[str, ...] = Field(description="models, taxonomies or scorings; none: all current")
    output: str | None = Field(description="folder of the copies, outside of what was scanned")
    top: PositiveInt | None = Field(description="best tags of each model; null: no limit")
    minimum: float | None = Field(
        description="score from which on a tag counts; null: the model's thresholds", ge=0, le=1
    )
    fill: tuple[Filled, ...] = Field(description="genre, mood, bpm, key, where a file has none")


class CopyingConfig(Section):
    """Changes speed, never a result."""

    num_threads: PositiveInt = Field(description="files copied at the same time")


class FileTagsJob(Section):
    """conf/write-tags.yaml."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig
    write_tags: FileTagsConfig
    runtime: CopyingConfig
