"""The sections of training, and its job."""

from __future__ import annotations

import enum
from typing import Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from pipeline.config import Section, TrackingConfig, WorkspaceConfig
from pipeline.taxonomy import TaskKind


class TrainingDataConfig(Section):
    """Which tracks are learned from, and how they are cut."""

    frontend: str = Field(description="whose stored features are read")
    dataset: str | None = Field(description="tracks of this data set only; null: all")
    chunk_frames: PositiveInt = Field(description="mel frames that the network sees at once")
    hop_frames: PositiveInt = Field(description="frames between chunks when a track is judged")
    chunks: PositiveInt | None = Field(
        description="judged by so many chunks at equal distances; null: by all, at hop_frames"
    )
    group: str | None = Field(description="catalog column that no two splits may share; null: none")


class TaskConfig(Section):
    """What is asked of a track."""

    name: str = Field(description="short name of the taxonomy", min_length=1)
    kind: TaskKind = Field(description="binary, multiclass, multilabel or powerset")
    tags: tuple[str, ...] | None = Field(description="category---name in order; null: see category")
    category: str | None = Field(description="all tags of this category that train has")
    taxonomy: str | None = Field(description="a list of tags by name: mtat50, msd50, jamendo50")
    outside: Literal["refuse", "ignore"] = Field(
        description="labels of the tags' categories that are not among the tags"
    )


class NetworkConfig(Section):
    """What learns."""

    name: str = Field(description="the bundle's: trained:NAME", pattern=r"^[A-Za-z0-9_.-]+$")
    registry: str | None = Field(
        description="the registered model that it becomes a version of; null: its own name",
        pattern=r"^[A-Za-z0-9_.-]+$",
    )
    architecture: str = Field(description="a key of pipeline/models/architectures.py")
    parameters: dict[str, int] = Field(description="beside num_tags and n_mels")


class RecipeKind(enum.StrEnum):
    """Optimiser and schedule."""

    ADAMW = "adamw"
    """AdamW, warm-up, then a cosine to zero."""
    PUBLISHED = "published"
    """sota-music-tagging-models: Adam 80 epochs, then SGD in three steps from the best weights."""
    MUSICNN = "musicnn"
    """musicnn's training: Adam, its rate halved after 75 epochs without a lower loss."""


class Precision(enum.StrEnum):
    """Arithmetic of the forward pass."""

    AUTO = "auto"
    """bf16 on GPUs that have it, else float32."""
    FLOAT32 = "float32"
    BF16 = "bf16"


class RecipeConfig(Section):
    """How it learns; all of it changes the result."""

    kind: RecipeKind = Field(description="adamw, published, or musicnn")
    epochs: PositiveInt = Field(description="each track gives one chunk an epoch")
    batch_tracks: PositiveInt = Field(description="chunks in one step, over all workers")
    micro_batches: PositiveInt = Field(
        description="parts of a step, shared by the workers: num_workers or a multiple; batch norm "
        "sees one part"
    )
    lr: PositiveFloat = Field(description="highest learning rate")
    weight_decay: NonNegativeFloat = Field(description="of the optimiser; 0: none")
    warmup_epochs: NonNegativeFloat = Field(description="linear rise (adamw)")
    clip_norm: PositiveFloat | None = Field(description="largest norm of the gradient")
    precision: Precision = Field(
        description="of the forward pass; auto: bf16 on GPUs that have it, else float32"
    )
    seed: NonNegativeInt = Field(description="of weights, order of tracks, chunks, augmentation")
    best: str = Field(description="metric on validation that picks the checkpoint")
    patience_epochs: PositiveInt | None = Field(description="stops after so many without a best")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_tracks % self.micro_batches:
            raise ValueError(
                f"batch_tracks {self.batch_tracks} is not a multiple of micro_batches "
                f"{self.micro_batches}"
            )
        return self


class SpecAugmentConfig(Section):
    """Masks over mels (Park et al. 2019, arXiv 1904.08779)."""

    time_masks: NonNegativeInt = Field(description="masks over time a chunk; 0: none")
    time_frames: PositiveInt = Field(description="longest of them, frames")
    band_masks: NonNegativeInt = Field(description="masks over mel bands a chunk; 0: none")
    bands: PositiveInt = Field(description="widest of them, mel bands")


class AugmentConfig(Section):
    """What is done to chunks in training; all off where a recipe has none."""

    specaugment: SpecAugmentConfig | None = Field(description="masks over mels; null: none")
    mixup_alpha: PositiveFloat | None = Field(description="Beta(alpha, alpha), arXiv 1710.09412")
    gain_db: NonNegativeFloat = Field(description="loudness moves by up to so much, either way")
    balance: bool = Field(description="tracks of rare tags are drawn more often")


class ThresholdRule(enum.StrEnum):
    """How a tag's threshold is chosen on validation."""

    BEST_F1 = "best_f1"
    PRECISION = "precision"
    """The lowest that reaches a precision."""
    RECALL = "recall"
    """The highest that keeps a recall."""


class ThresholdConfig(Section):
    """Thresholds a tag."""

    rule: ThresholdRule = Field(
        description="best_f1; precision: the lowest that reaches `at`; recall: the highest that "
        "keeps it"
    )
    at: float | None = Field(description="the precision or recall asked for", gt=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.rule is ThresholdRule.BEST_F1) != (self.at is None):
            raise ValueError(f"rule {self.rule} {'takes no' if self.at else 'needs'} at")
        return self


class TrainRuntimeConfig(Section):
    """Changes speed, never a result."""

    ray_address: str | None = Field(description="null: RAY_ADDRESS, else a Ray of its own")
    num_workers: NonNegativeInt = Field(description="0: in this process, without Ray")
    num_cpus_per_worker: PositiveFloat = Field(description="logical CPUs that a worker takes")
    num_gpus_per_worker: NonNegativeFloat = Field(description="0: CPUs and Gloo; 1: NCCL")
    object_store_mb: PositiveInt | None = Field(description="of Ray, MiB; null: Ray's default")
    threads: PositiveInt | None = Field(description="of torch, a worker; null: torch's own choice")
    cache: str | None = Field(description="folder for the mels' local copy; null: the system's")
    max_failures: NonNegativeInt = Field(description="lost workers before the job gives up")
    plan_memory_mb: PositiveInt = Field(description="of DuckDB in the driver, MiB")


class TrainJob(Section):
    """conf/train*.yaml."""

    workspace: WorkspaceConfig
    data: TrainingDataConfig
    task: TaskConfig
    network: NetworkConfig
    recipe: RecipeConfig
    augment: AugmentConfig
    thresholds: ThresholdConfig
    runtime: TrainRuntimeConfig
    tracking: TrackingConfig
