"""MLflow: each features and tag run is a run there. The only home of MLflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import Section, TrackingConfig, dump, flatten
from pipeline.errors import ConfigError
from pipeline.storage import is_local, local_path


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
    import mlflow  # takes seconds to import, and only jobs that track need it

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
    status = "KILLED"
    try:
        for name, value in flatten(config).items():
            client.log_param(run.run_id, name, value[:6000])
        run.text("config.yaml", dump(config))
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        raise
    except BaseException:
        status = "FAILED"
        raise
    finally:
        client.set_terminated(run.run_id, status)


def _uri(root_url: str, *, tracking: TrackingConfig) -> str:
    if tracking.uri:
        return tracking.uri
    if not is_local(root_url):
        raise ConfigError(
            f"the workspace {root_url} is remote, so MLflow needs a server: "
            "set tracking.uri, for example --set tracking.uri=http://HOST:5000"
        )
    folder = Path(local_path(root_url))
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}"


def _artifacts(root_url: str, *, tracking: TrackingConfig) -> str | None:
    """Beside the SQLite file; a tracking server knows its own place."""
    if tracking.uri:
        return None
    return (Path(local_path(root_url)) / "mlflow-artifacts").as_uri()
