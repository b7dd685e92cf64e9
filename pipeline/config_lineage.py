"""The sections and the job of lineage."""

from __future__ import annotations

import enum

from pydantic import Field

from pipeline.config import QueryLimitsConfig, Section, TrackingConfig, WorkspaceConfig


class AskMlflow(enum.StrEnum):
    """When MLflow is asked about runs."""

    MISSING = "missing"
    """About those that the workspace has no record of."""
    NEVER = "never"


class LineageConfig(Section):
    """Where the facts of runs come from."""

    mlflow: AskMlflow = Field(
        description="missing: MLflow is asked about runs that the workspace has no record of; never"
    )


class LineageJob(Section):
    """conf/lineage.yaml."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig
    lineage: LineageConfig
    tracking: TrackingConfig
