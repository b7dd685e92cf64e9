"""The sections and jobs of what is done with models: evaluate, explain, promote."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from pipeline.config import (
    LimitsConfig,
    RuntimeConfig,
    ScoringConfig,
    Section,
    TagInput,
    TrackingConfig,
    WorkspaceConfig,
)


class EvaluationConfig(Section):
    """What is judged, and how sure."""

    split: Literal["train", "validation", "test"] = Field(description="whose tracks are judged")
    dataset: str | None = Field(description="tracks of this data set only; null: all")
    chunks: PositiveInt | Literal["all"] | None = Field(
        description="a track, at equal distances; all: side by side; null: as the bundle says"
    )
    num_resamples: PositiveInt = Field(description="of the bootstrap over tracks")
    seed: NonNegativeInt = Field(description="of the bootstrap: the same gives the same figures")
    probes: tuple[str, ...] = Field(
        description="compared: mfcc, or bundles whose embeddings get a linear head"
    )


class EvaluateJob(Section):
    """conf/evaluate.yaml."""

    workspace: WorkspaceConfig
    scoring: ScoringConfig
    evaluation: EvaluationConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig


class ExplanationConfig(Section):
    """Which units of the network are looked at, over which tracks."""

    model: str = Field(description="a bundle by name, folder or URL")
    layers: tuple[str, ...] = Field(description="modules of the network; empty: all convolutions")
    channels: PositiveInt = Field(description="of each layer, the first so many")
    patches: PositiveInt = Field(description="strongest ones kept a channel")
    dataset: str | None = Field(description="tracks of this data set only; null: all")


class ExplainJob(Section):
    """conf/explain.yaml."""

    workspace: WorkspaceConfig
    explanation: ExplanationConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig


class PromotionConfig(Section):
    """When a model becomes the champion."""

    model: str = Field(
        description="registered name; the candidate is its newest version",
        pattern=r"^[A-Za-z0-9_.-]+$",
    )
    version: PositiveInt | None = Field(description="another candidate; null: the newest")
    split: Literal["validation", "test"] = Field(description="whose tracks the two are judged on")
    dataset: str | None = Field(description="tracks of this data set only; null: all")
    metric: str = Field(description="that must be better: roc_auc_macro, f1_macro, accuracy, ...")
    confidence: float = Field(gt=0.5, lt=1, description="share of resamples that must agree")
    num_resamples: PositiveInt = Field(description="of the bootstrap over tracks")
    seed: NonNegativeInt = Field(description="of the bootstrap: the same gives the same figures")
    input: TagInput = Field(description="what the two are judged on: audio, or stored features")
    force: str | None = Field(description="why a model is promoted that cannot be judged")


class PromoteJob(Section):
    """conf/promote.yaml."""

    workspace: WorkspaceConfig
    promotion: PromotionConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig
