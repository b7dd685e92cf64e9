"""The sections of submitted jobs: which cluster, what the driver reserves, what travels with it.

Here is also which verbs can be submitted, and what a configuration is for another machine.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from pipeline.config import (
    CatalogJob,
    DescribeJob,
    FeaturesJob,
    Section,
    TablesJob,
    TagJob,
    flatten,
)
from pipeline.config_compare import CompareJob
from pipeline.config_doctor import DoctorJob
from pipeline.config_evaluation import EvaluateJob, ExplainJob, PromoteJob
from pipeline.config_plan import PlanJob
from pipeline.config_teach import TeachJob
from pipeline.config_training import TrainJob
from pipeline.credentials import holds_credentials
from pipeline.errors import ConfigError
from pipeline.urls import absolute, is_local

VERBS: dict[str, tuple[type[Section], str]] = {
    "calibrate": (EvaluateJob, "evaluate.yaml"),
    "catalog": (CatalogJob, "catalog.yaml"),
    "compact": (TablesJob, "tables.yaml"),
    "compare": (CompareJob, "compare.yaml"),
    "dataset": (CatalogJob, "catalog.yaml"),
    "describe": (DescribeJob, "describe.yaml"),
    "doctor": (DoctorJob, "doctor.yaml"),
    "evaluate": (EvaluateJob, "evaluate.yaml"),
    "explain": (ExplainJob, "explain.yaml"),
    "features": (FeaturesJob, "features.yaml"),
    "models": (TablesJob, "tables.yaml"),
    "plan": (PlanJob, "plan.yaml"),
    "promote": (PromoteJob, "promote.yaml"),
    "publish": (TablesJob, "tables.yaml"),
    "requeue": (TablesJob, "tables.yaml"),
    "tag": (TagJob, "tag.yaml"),
    "teach": (TeachJob, "teach.yaml"),
    "train": (TrainJob, "train.yaml"),
    "vacuum": (TablesJob, "tables.yaml"),
    "verify": (TablesJob, "tables.yaml"),
}
"""What can be submitted: its configuration, and the file in conf/ that is read without --conf."""

NOT_PASSED = re.compile(r"RAY_.*|LD_.*|PYTHON.*|PATH|HOME")
"""Variables that are the cluster's own."""
_SQLITE = "sqlite:///"

JobT = TypeVar("JobT", bound=Section)


class WhileAlive(enum.StrEnum):
    """What happens when the same job is there and has not ended."""

    ATTACH = "attach"
    REFUSE = "refuse"


class ClusterConfig(Section):
    """Which cluster, by its Jobs API."""

    address: str | None = Field(
        description="http(s)://HOST:PORT of the head's dashboard; null: RAY_API_SERVER_ADDRESS, "
        "else RAY_ADDRESS, else this machine"
    )
    ca_file: str | None = Field(description="certificates for https; null: the system's")


class DriverConfig(Section):
    """Where the driver runs, and what it reserves there beside its workers."""

    python: str = Field(description="interpreter on the cluster's nodes", min_length=1)
    num_cpus: NonNegativeFloat = Field(description="cores; the driver mostly waits")
    num_gpus: NonNegativeFloat = Field(description="for a training in the driver itself")
    memory_mb: NonNegativeInt = Field(description="MiB; with 0 cores and 0 MiB it is on the head")
    labels: dict[str, str] = Field(description="labels that its node must have; none: any node")


class PackageConfig(Section):
    """The program that travels."""

    max_mb: PositiveInt = Field(description="a larger package is refused, MiB; Ray takes 100")


class EnvironmentConfig(Section):
    """Variables of this shell that the job shall have too."""

    names: tuple[str, ...] = Field(description="passed by value; nothing else is")


class StopConfig(Section):
    """How a job is stopped."""

    wait_s: PositiveInt = Field(
        description="time to commit what is done, seconds; then it is killed (Ray's default: 3)"
    )


class SubmitConfig(Section):
    """conf/submit.yaml: submit, jobs, logs, stop."""

    cluster: ClusterConfig
    driver: DriverConfig
    package: PackageConfig
    environment: EnvironmentConfig
    stop: StopConfig


def travelling(config: JobT) -> JobT:
    """The configuration as it holds in another folder, on another machine, in a submitted job.

    Local places become absolute, since the job's own working folder is a copy that is deleted
    after it; `runtime.ray_address` goes, since the job's cluster is the one it is submitted to.
    """
    tree = config.model_dump(mode="json")
    tree["workspace"]["root_url"] = absolute(tree["workspace"]["root_url"])
    if tree.get("source"):
        tree["source"] = absolute(tree["source"])
    if "ray_address" in tree.get("runtime", {}):
        tree["runtime"]["ray_address"] = None
    uri = tree.get("tracking", {}).get("uri") or ""
    if uri.startswith(_SQLITE):
        tree["tracking"]["uri"] = _SQLITE + absolute(uri.removeprefix(_SQLITE))
    if models := tree.get("scoring", {}).get("models"):
        tree["scoring"]["models"] = [
            absolute(name) if is_local(name) and Path(name).is_dir() else name for name in models
        ]
    return type(config).model_validate(tree)


def refuse_places(arguments: Sequence[str]) -> None:
    """Arguments reach the job as they are, and it runs in another folder.

    Raises:
        ConfigError: one is a configuration, or a relative path of something that is here.
    """
    for text in arguments:
        if text.endswith((".yaml", ".yml")):
            raise ConfigError(f"{text}: give the configuration as --conf {text}; it travels along")
        if "/" in text and is_local(text) and not Path(text).is_absolute() and Path(text).exists():
            raise ConfigError(
                f"{text} is a path of this folder, and the job runs in another: give it in full, "
                "as the cluster's nodes have it"
            )


def refuse_secrets(config: Section, *, arguments: Sequence[str]) -> None:
    """A configuration and a command line are kept, shown and logged by Ray, and by MLflow.

    Raises:
        ConfigError: a URL in one of them holds a password; says where, not which.
    """
    texts = flatten(config) | {f"argument {i + 1}": text for i, text in enumerate(arguments)}
    for where, text in texts.items():
        if holds_credentials(text):
            raise ConfigError(
                f"{where} holds a password, a token or a signature in a URL, and would be "
                "readable in the job's log and in MLflow: take it out, and give it as an "
                "environment variable of the nodes or with --env NAME (for MLflow "
                "MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD)"
            )
