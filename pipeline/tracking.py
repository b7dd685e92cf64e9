"""MLflow runs: parameters, numbers, pictures and files of each features, tag or train run.

MLflow's other home is pipeline/registry.py.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock

from pipeline.config import Section, TrackingConfig, WorkspaceConfig, dump, flatten
from pipeline.credentials import masked
from pipeline.errors import ConfigError, UserError
from pipeline.revision import this_code
from pipeline.storage import FAULTS, Storage, absolute, is_local, join, local_path
from pipeline.tables.commit_note import noting
from pipeline.tables.run_record import RunKeeper, RunRecord

NUMBERS_PER_BATCH = 1000
PARAMETERS_PER_BATCH = 100
PARAMETER_CHARACTERS = 6000
"""What MLflow takes at once (mlflow/utils/validation.py)."""
SYSTEM_INTERVAL_S = 5.0


class Run:
    """A tracked run.

    Attributes:
        client: the MlflowClient of the run's server or database.
        run_id: MLflow's.
        experiment_id: MLflow's.
    """

    def __init__(self, client: Any, run_id: str, *, experiment_id: str) -> None:  # noqa: ANN401
        self.client = client
        self.run_id = run_id
        self.experiment_id = experiment_id

    def metrics(self, values: Mapping[str, float], *, step: int | None = None) -> None:
        """Logs numbers, of an epoch if `step` is given.

        A sign that MLflow does not take in a name (`genre---r&b`) becomes `_`.
        """
        from mlflow.entities import Metric

        now_ms = round(time.time() * 1000)
        numbers = [
            Metric(metric_name(key), value, now_ms, step or 0) for key, value in values.items()
        ]
        for first in range(0, len(numbers), NUMBERS_PER_BATCH):
            batch = numbers[first : first + NUMBERS_PER_BATCH]
            self.client.log_batch(self.run_id, metrics=batch)

    def parameters(self, values: Mapping[str, str]) -> None:
        """Logs settings; a long one is cut."""
        from mlflow.entities import Param

        settings = [Param(key, value[:PARAMETER_CHARACTERS]) for key, value in values.items()]
        for first in range(0, len(settings), PARAMETERS_PER_BATCH):
            batch = settings[first : first + PARAMETERS_PER_BATCH]
            self.client.log_batch(self.run_id, params=batch)

    def tag(self, name: str, value: str) -> None:
        """Sets a tag of the run."""
        self.client.set_tag(self.run_id, name, value)

    def text(self, name: str, content: str) -> None:
        """Logs a text file."""
        self.client.log_text(self.run_id, content, name)

    def summary(self, facts: Mapping[str, object]) -> None:
        """Logs the run's summary as JSON."""
        self.text("summary.json", json.dumps(facts, indent=2, default=str))

    def picture(self, name: str, png: bytes) -> None:
        """Logs a PNG file under a name such as `figures/confusion.png`."""
        self.file(name, png)

    def file(self, name: str, content: bytes) -> None:
        """Logs a file."""
        where = PurePosixPath(name)
        with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
            path = Path(folder) / where.name
            path.write_bytes(content)
            parent = None if where.parent == PurePosixPath(".") else str(where.parent)
            self.client.log_artifact(self.run_id, str(path), artifact_path=parent)

    @contextmanager
    def system_metrics(self, *, interval_s: float = SYSTEM_INTERVAL_S) -> Iterator[None]:
        """Logs CPU, memory, disk, network and NVIDIA GPUs of this machine as `system/...`.

        They are read while the context is open, first after `interval_s`.
        """
        # pynvml, from nvidia-ml-py, is what MLflow reads GPUs with; without it they are left out.
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(
            self.run_id, sampling_interval=interval_s, tracking_uri=self.client.tracking_uri
        )
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()


@contextmanager
def tracked(
    config: Section, *, verb: str, root_url: str, tracking: TrackingConfig
) -> Iterator[Run]:
    """Opens a run with its effective configuration; closes it as finished, failed or killed.

    It leaves a record in the workspace. The commits of this thread carry the run's id meanwhile,
    and the run's tags lead to the tables and versions that it committed.

    Raises:
        ConfigError: the workspace is remote and no tracking URI is set.
    """
    with first_use(root_url, tracking=tracking):
        client = open_client(root_url, tracking=tracking)
        experiment = client.get_experiment_by_name(tracking.experiment)
        experiment_id = (
            experiment.experiment_id
            if experiment
            else client.create_experiment(
                tracking.experiment, artifact_location=_artifacts(root_url, tracking=tracking)
            )
        )
        started = client.create_run(experiment_id, run_name=verb, tags={"earmark.verb": verb})
    run = Run(client, started.info.run_id, experiment_id=experiment_id)
    record = _record(run, config=config, verb=verb, experiment=tracking.experiment)
    keeper = RunKeeper(record, root_url=absolute(root_url), storage=_storage(config))
    try:
        keeper.begin()
        for name, value in record.tags().items():
            run.tag(name, value)
        run.parameters({name: masked(value) for name, value in flatten(config).items()})
        run.text("config.yaml", record.config)
        with noting(run_id=run.run_id, verb=verb):
            yield run
        _close(run, keeper=keeper, status="FINISHED")
    except BaseException as error:
        from mlflow import MlflowException

        # The job's own error counts for more than that it could not be written down as well.
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        with suppress(UserError, MlflowException, *FAULTS):
            _close(run, keeper=keeper, status=status)
        with suppress(MlflowException):
            client.set_terminated(run.run_id, status)
        raise
    client.set_terminated(run.run_id, "FINISHED")


def _record(run: Run, *, config: Section, verb: str, experiment: str) -> RunRecord:
    return RunRecord(
        run_id=run.run_id,
        verb=verb,
        started_at=datetime.now(UTC).isoformat(),
        code=this_code(),
        config=masked(dump(config)),
        tracking_uri=masked(str(run.client.tracking_uri)),
        experiment=experiment,
        experiment_id=str(run.experiment_id),
    )


def _close(run: Run, *, keeper: RunKeeper, status: str) -> None:
    for name, value in keeper.end(status).items():
        run.tag(name, value)


def _storage(config: Section) -> Storage:
    places = (part for _, part in config if isinstance(part, WorkspaceConfig))
    return next((place.storage for place in places), Storage())


def open_client(root_url: str, *, tracking: TrackingConfig) -> Any:  # noqa: ANN401
    """The MlflowClient of the workspace's database, or of a server.

    Raises:
        ConfigError: the workspace is remote and no tracking URI is set.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow  # takes seconds to import, and only jobs that track need it

    for name in ("mlflow", "alembic"):  # after the import, which sets levels of its own
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow.MlflowClient(tracking_uri=_uri(root_url, tracking=tracking))


def first_use(root_url: str, *, tracking: TrackingConfig) -> AbstractContextManager[object]:
    """One job at a time makes the local database and the experiment; a server sees to itself."""
    if tracking.uri or not is_local(root_url):
        return nullcontext()
    folder = Path(local_path(root_url))
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / ".mlflow.lock")


def metric_name(name: str) -> str:
    """The name with `_` for signs that MLflow does not take."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)


def _uri(root_url: str, *, tracking: TrackingConfig) -> str:
    if tracking.uri:
        return tracking.uri
    if not is_local(root_url):
        raise ConfigError(
            f"the workspace {root_url} is remote, where MLflow cannot keep a database: set "
            "tracking.uri, for example --set tracking.uri=http://HOST:5000, or sqlite:////PATH.db"
        )
    return f"sqlite:///{Path(local_path(root_url)) / 'mlflow.db'}"


def _artifacts(root_url: str, *, tracking: TrackingConfig) -> str | None:
    """In the workspace; a tracking server knows its own place."""
    if tracking.uri and not tracking.uri.startswith("sqlite:"):
        return None
    folder = join(root_url, "mlflow-artifacts")
    return Path(local_path(folder)).as_uri() if is_local(root_url) else folder


@contextmanager
def asked(client: Any) -> Iterator[Callable[[str], Any]]:  # noqa: ANN401
    """Gives what opens a folder of artifacts by its URL; a refusal of MLflow is a UserError."""
    from mlflow import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        yield partial(get_artifact_repository, tracking_uri=client.tracking_uri)
    except MlflowException as error:
        raise UserError(f"MLflow at {masked(str(client.tracking_uri))}: {error}") from None
