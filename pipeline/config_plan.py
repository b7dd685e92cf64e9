"""The sections and the job of plan: what is sampled, and the cluster that is described."""

from __future__ import annotations

import enum
from typing import Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic import model_validator as _model_validator

from pipeline.config import (
    FrontendConfig,
    LimitsConfig,
    RuntimeConfig,
    ScanConfig,
    ScoringConfig,
    Section,
    TrackingConfig,
    WorkspaceConfig,
)


class Verb(enum.StrEnum):
    """What can be estimated."""

    FEATURES = "features"
    TAG = "tag"


class SampleConfig(Section):
    """Which tracks are measured, and for what."""

    verbs: tuple[Verb, ...] = Field(description="features, tag, or both", min_length=1)
    num_tracks: PositiveInt = Field(description="tracks that are measured for each verb")
    seed: NonNegativeInt = Field(description="of the choice of tracks and of the bootstrap")
    max_s: PositiveFloat = Field(description="no new track is begun after this, seconds a verb")


class ClusterConfig(Section):
    """The cluster that the job shall run on."""

    nodes: PositiveInt = Field(description="machines that work")
    cpus_per_node: PositiveInt | None = Field(description="cores of each; null: as here")
    gpus_per_node: NonNegativeInt = Field(description="0: the model runs on the cores")
    gpu_chunks_per_s: PositiveFloat | None = Field(
        description="of the model on one GPU, mel included; needed with GPUs"
    )
    cpu_speed: PositiveFloat = Field(description="a core there against a core here; 1: as fast")
    efficiency: PositiveFloat = Field(description="share of the cores' time that is work", le=1)
    node_price_per_hour: NonNegativeFloat = Field(description="in any currency")

    @_model_validator(mode="after")
    def _gpus_have_a_speed(self) -> Self:
        if self.gpus_per_node and self.gpu_chunks_per_s is None:
            raise ValueError(
                "gpu_chunks_per_s is missing: with gpus_per_node it says how fast one GPU is"
            )
        return self


class PlanJob(Section):
    """conf/plan.yaml."""

    workspace: WorkspaceConfig
    source: str | None = Field(description="scanned first; null: the catalog as it is")
    scan: ScanConfig
    sample: SampleConfig
    cluster: ClusterConfig
    frontend: FrontendConfig
    scoring: ScoringConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig
