"""MLflow: each features and tag run is a run there. The only home of MLflow."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from filelock import FileLock

from pipeline.config import Section, TrackingConfig, dump, flatten
from pipeline.errors import ConfigError
from pipeline.storage import is_local, join, local_path


class Run:
    """A tracked run."""

    def __init__(self, client: object, run_id: str) -> None:
        self._client = client
        self.run_id = run_id

    def metrics(self, values: Mapping[str, float]) -> None:
        """Logs numbers."""
        for name, value in values.items():
            self._client.log_metric(self.run_id, name, value)  # type: ignore[attr-defined]

    def text(self, name: str, content: str) -> None:
        """Logs a text file."""
        self._client.log_text(self.run_id, content, name)  # type: ignore[attr-defined]

    def summary(self, facts: Mapping[str, object]) -> None:
        """Logs the run's summary as JSON."""
        self.text("summary.json", json.dumps(facts, indent=2, default=str))


@contextmanager
def tracked(
    config: Section, *, verb: str, root_url: str, tracking: TrackingConfig
) -> Iterator[Run]:
    """Opens a run with its effective configuration; closes it as finished, failed or killed.

    Raises:
        ConfigError: the workspace is remote and no tracking URI is set.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    import mlflow  # takes seconds to import, and only jobs that track need it

    with _first_use(root_url, tracking=tracking):
        client = mlflow.MlflowClient(tracking_uri=_uri(root_url, tracking=tracking))
        experiment = client.get_experiment_by_name(tracking.experiment)
        experiment_id = (
            experiment.experiment_id
            if experiment
            else client.create_experiment(
                tracking.experiment, artifact_location=_artifacts(root_url, tracking=tracking)
            )
        )
        started = client.create_run(experiment_id, run_name=verb, tags={"earmark.verb": verb})
    run = Run(client, started.info.run_id)
    try:
        for name, value in flatten(config).items():
            client.log_param(run.run_id, name, value[:6000])
        run.text("config.yaml", dump(config))
        yield run
    except BaseException as error:
        # The job's own error counts for more than that it could not be written down as well.
        with suppress(mlflow.MlflowException):
            interrupted = isinstance(error, KeyboardInterrupt)
            client.set_terminated(run.run_id, "KILLED" if interrupted else "FAILED")
        raise
    client.set_terminated(run.run_id, "FINISHED")


def _first_use(root_url: str, *, tracking: TrackingConfig) -> AbstractContextManager[object]:
    """One job at a time makes the local database and the experiment; a server sees to itself."""
    if tracking.uri or not is_local(root_url):
        return nullcontext()
    folder = Path(local_path(root_url))
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / ".mlflow.lock")


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
