"""The sections and the job of compare: several networks on one task, and the jobs it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, PositiveInt, field_validator

from pipeline.config import (
    FeaturesJob,
    FrontendConfig,
    LimitsConfig,
    Precision,
    RuntimeConfig,
    ScoringConfig,
    Section,
    TagInput,
    TrackingConfig,
    WorkspaceConfig,
)
from pipeline.config_evaluation import EvaluateJob, EvaluationConfig
from pipeline.config_training import (
    AugmentConfig,
    NetworkConfig,
    RecipeConfig,
    TaskConfig,
    ThresholdConfig,
    TrainingDataConfig,
    TrainJob,
    TrainRuntimeConfig,
)
from pipeline.errors import ConfigError


class ContenderConfig(Section):
    """A network that is compared, with what it reads."""

    architecture: str = Field(description="a key of pipeline/models/architectures.py")
    parameters: dict[str, int] = Field(description="beside num_tags and n_mels")
    frontend: str = Field(description="whose features it reads; they are made if they are missing")
    chunk_frames: PositiveInt = Field(description="what it sees at once, frames of that front end")


class ComparisonConfig(Section):
    """What is compared, and on which tracks."""

    name: str = Field(
        description="taggers become trained:NAME_NETWORK", pattern=r"^[A-Za-z0-9_.-]+$"
    )
    networks: dict[str, ContenderConfig] = Field(description="by a short name")
    dataset: str | None = Field(description="tracks of this data set only; null: all")
    group: str | None = Field(description="catalog column that no two splits may share; null: none")

    @field_validator("networks")
    @classmethod
    def _check(cls, networks: dict[str, ContenderConfig]) -> dict[str, ContenderConfig]:
        if not networks:
            raise ValueError("there is no network to compare")
        return networks


class CompareJob(Section):
    """conf/compare.yaml."""

    workspace: WorkspaceConfig
    comparison: ComparisonConfig
    task: TaskConfig
    recipe: RecipeConfig
    augment: AugmentConfig
    thresholds: ThresholdConfig
    evaluation: EvaluationConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    training: TrainRuntimeConfig
    tracking: TrackingConfig

    def only(self, names: Sequence[str]) -> CompareJob:
        """With these networks alone; none named: all.

        Raises:
            ConfigError: one of them is not in the configuration.
        """
        networks = self.comparison.networks
        unknown = [name for name in names if name not in networks]
        if unknown:
            raise ConfigError(
                f"--network {unknown[0]}: comparison.networks has {', '.join(networks)}"
            )
        kept = {name: networks[name] for name in names or networks}
        comparison = self.comparison.model_copy(update={"networks": kept})
        return self.model_copy(update={"comparison": comparison})

    def features_jobs(self) -> list[FeaturesJob]:
        """One for each front end."""
        names = dict.fromkeys(network.frontend for network in self.comparison.networks.values())
        return [
            FeaturesJob(
                workspace=self.workspace,
                frontend=FrontendConfig(name=name),
                limits=self.limits,
                runtime=self.runtime,
                tracking=self.tracking,
            )
            for name in names
        ]

    def train_job(self, name: str) -> TrainJob:
        """Of one network."""
        network = self.comparison.networks[name]
        return TrainJob(
            workspace=self.workspace,
            data=TrainingDataConfig(
                frontend=network.frontend,
                dataset=self.comparison.dataset,
                chunk_frames=network.chunk_frames,
                hop_frames=network.chunk_frames,
                chunks=None,
                group=self.comparison.group,
            ),
            task=self.task,
            network=NetworkConfig(
                name=f"{self.comparison.name}_{name}",
                registry=None,
                architecture=network.architecture,
                parameters=network.parameters,
            ),
            recipe=self.recipe,
            augment=self.augment,
            thresholds=self.thresholds,
            runtime=self.training,
            tracking=self.tracking,
        )

    def evaluate_job(self, name: str) -> EvaluateJob:
        """Of one network, from its features."""
        model = f"trained:{self.comparison.name}_{name}"
        dataset = {"dataset": self.evaluation.dataset or self.comparison.dataset}
        return EvaluateJob(
            workspace=self.workspace,
            scoring=ScoringConfig(
                models=(model,), input=TagInput.FEATURES, precision=Precision.FLOAT32
            ),
            evaluation=self.evaluation.model_copy(update=dataset),
            limits=self.limits,
            runtime=self.runtime,
            tracking=self.tracking,
        )
