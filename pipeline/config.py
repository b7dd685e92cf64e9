"""Configurations: one complete YAML a run, checked by pydantic; the only reader of conf/.

`load` reads a file, lays `--set a.b=c` over it and validates once, so that all faults are shown
together before Ray starts. What changes a result (`limits`, `scoring`, `frontend`) stands apart
from what only changes speed (`runtime`).
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic import ValidationError as _ValidationError

from pipeline.credentials import masked, refuse_credentials
from pipeline.errors import ConfigError
from pipeline.storage import Storage

MEBIBYTE = 2**20
_YAML_FAULTS = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError)
"""What PyYAML 6 raises, also of values that it cannot make; and TypeError and ValueError."""


class Section(BaseModel):
    """A frozen part of a configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkspaceConfig(Section):
    """Where the tables, features and bundles are."""

    root_url: str = Field(description="folder or URL that holds all tables of one collection")
    endpoint_url: str | None = Field(description="of an S3-compatible store")
    region: str | None = Field(description="of an S3 bucket")

    @property
    def storage(self) -> Storage:
        """How to reach it."""
        return Storage(endpoint_url=self.endpoint_url, region=self.region)


class TrackingConfig(Section):
    """MLflow."""

    uri: str | None = Field(description="tracking URI; null: SQLite in a local workspace")
    experiment: str = Field(description="name of the experiment", min_length=1)


class LimitsConfig(Section):
    """What counts as a usable track; a track outside is failed with a reason."""

    max_bytes: PositiveInt = Field(description="largest file, bytes")
    min_s: NonNegativeFloat = Field(description="shortest audio, seconds")
    max_s: PositiveFloat = Field(description="longest audio, seconds")


class RuntimeConfig(Section):
    """Changes speed and memory, never a result."""

    ray_address: str | None = Field(description="null: RAY_ADDRESS, else a Ray of its own")
    num_actors: PositiveInt | None = Field(description="null: one a CPU of the cluster")
    num_cpus_per_actor: PositiveFloat = Field(description="logical CPUs that an actor takes")
    num_gpus_per_actor: NonNegativeFloat = Field(description="0: the model runs on the CPU")
    object_store_mb: PositiveInt | None = Field(description="null: Ray's default")
    unit_tracks: PositiveInt = Field(description="tracks in one unit of work")
    file_tracks: PositiveInt = Field(description="tracks in one written file")
    commit_every_s: PositiveFloat = Field(description="time between commits, seconds")
    decode_timeout_s: PositiveFloat = Field(description="deadline of one file, seconds")
    decode_memory_mb: PositiveInt = Field(description="memory of a decoding process, MiB")
    plan_memory_mb: PositiveInt = Field(description="of DuckDB in the driver, MiB; then spills")
    no_progress_timeout_s: PositiveInt = Field(description="the run fails after this, seconds")


class ScanConfig(Section):
    """How a source becomes catalog rows."""

    dataset: str | None = Field(description="name of the data set; part of the track ids")
    extensions: tuple[str, ...] = Field(description="file name endings that are audio")
    num_threads: PositiveInt = Field(description="headers probed at the same time")
    probe_timeout_s: PositiveFloat = Field(description="deadline of one header, seconds")


class TagInput(enum.StrEnum):
    """What `tag` reads."""

    AUDIO = "audio"
    FEATURES = "features"


class Precision(enum.StrEnum):
    """What a network calculates in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class ScoringConfig(Section):
    """What is scored, and from what."""

    models: tuple[str, ...] = Field(description="bundles by name, folder or URL", min_length=1)
    input: TagInput = Field(description="audio, or the stored features")
    precision: Precision = Field(description="of the network; bfloat16 is faster, own scores")


class FrontendConfig(Section):
    """Which mel is stored."""

    name: str = Field(description="a front end of pipeline/audio/frontend.py")


class QueryLimitsConfig(Section):
    """What a query may use."""

    memory_mb: PositiveInt = Field(description="of DuckDB, MiB; beyond it spills to disk")


class CatalogJob(Section):
    """conf/catalog.yaml."""

    workspace: WorkspaceConfig
    source: str | None = Field(description="folder, glob, URL, or table of tracks")
    scan: ScanConfig


class FeaturesJob(Section):
    """conf/features.yaml."""

    workspace: WorkspaceConfig
    frontend: FrontendConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig


class DescribeJob(Section):
    """conf/describe.yaml."""

    workspace: WorkspaceConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig


class TagJob(Section):
    """conf/tag.yaml."""

    workspace: WorkspaceConfig
    scoring: ScoringConfig
    limits: LimitsConfig
    runtime: RuntimeConfig
    tracking: TrackingConfig


class TablesJob(Section):
    """conf/tables.yaml: publish, query, show, verify, models, report."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig


JobT = TypeVar("JobT", bound=Section)


def load(kind: type[JobT], path: str | Path, *, overrides: tuple[str, ...] = ()) -> JobT:
    """Reads and validates a configuration.

    Args:
        kind: the job's model.
        path: the YAML file.
        overrides: `a.b=c` each; c is read as YAML.

    Raises:
        ConfigError: it is missing, no YAML mapping, faulty (all is listed), or holds a password.
    """
    tree = _read(Path(path))
    for override in overrides:
        _lay_over(tree, override)
    try:
        config = kind.model_validate(tree)
    except _ValidationError as error:
        lines = [_fault(fault) for fault in error.errors()]
        raise ConfigError(f"{path} has {len(lines)} fault(s):\n" + "\n".join(lines)) from None
    refuse_credentials(flatten(config))
    return config


def dump(config: Section) -> str:
    """The effective configuration as YAML; loading it again gives the same."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def flatten(config: Section) -> dict[str, str]:
    """`section.key` to value, for parameters of a tracked run."""
    flat: dict[str, str] = {}

    def visit(prefix: str, node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                visit(f"{prefix}.{key}" if prefix else key, value)
        else:
            flat[prefix] = str(node)

    visit("", config.model_dump(mode="json"))
    return flat


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"no configuration at {path}; give --conf FILE (examples are in conf/)")
    tree = _parsed(path.read_bytes(), where=f"{path} is not YAML")
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} holds no sections; see conf/ for a complete example")
    return tree


def _parsed(text: str | bytes, *, where: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    try:
        return yaml.safe_load(text)
    except (*_YAML_FAULTS, TypeError, ValueError) as error:  # its text quotes all that is there
        mark = getattr(error, "problem_mark", None)
        said = f"line {mark.line + 1}: {vars(error)['problem']}" if mark else masked(str(error))
        raise ConfigError(f"{where}: {said}") from None


def _lay_over(tree: dict[str, Any], override: str) -> None:
    dotted, separator, text = override.partition("=")
    keys, shown = dotted.strip().split("."), f"--set {masked(repr(override))}"
    if not separator or not all(keys):
        raise ConfigError(f"{shown} is not of the form section.key=value")
    node = tree
    for key in keys[:-1]:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise ConfigError(f"{shown}: {key} is a value, not a section")
        node = child
    node[keys[-1]] = _parsed(text, where=shown)


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    path = masked(".".join(str(part) for part in fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"  {path}: unknown key; remove it or mend its name"
    if fault["type"] == "missing":
        return f"  {path}: missing; every key stands in the file, see conf/"
    return f"  {path}: {fault['msg']} (got {masked(repr(fault['input']))})"
