"""MLflow's registered models: bundles go in as versions, and come out as folders for workers.

A version holds the two files of a bundle, with its card and evaluations where it has them, and is
loaded by pipeline/models/served.py: no pickle and no code.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import TrackingConfig, WorkspaceConfig
from pipeline.errors import ConfigError
from pipeline.models.bundle import BUNDLE_FILE, WEIGHTS_FILE, Bundle, check_files
from pipeline.models.card_file import CARD_FILE, EVALUATIONS_FILE
from pipeline.storage import Storage, absolute, join
from pipeline.tracking import Run, first_use, metric_name, open_client

CHAMPION = "champion"
LOADER = "pipeline.models.served"
FOLDER = "bundle"
BESIDE = (CARD_FILE, EVALUATIONS_FILE)
"""What a bundle may have beside its two files."""
FINGERPRINT = re.compile("[0-9a-f]{64}")
EXAMPLE_HZ = (220.0, 440.0, 880.0)


def register(
    run: Run,
    *,
    name: str,
    bundle: Bundle,
    bundle_url: str,
    storage: Storage,
    metrics: Mapping[str, float],
) -> int:
    """Makes a bundle the newest version of a registered model; its card goes to the run as well.

    Args:
        run: the run that made it.
        name: of the registered model, which is made if it is new.
        bundle: what `bundle_url` holds.
        bundle_url: the bundle's folder.
        storage: how to reach it.
        metrics: what was measured of it, kept with the model.

    Returns:
        The version.
    """
    from mlflow import MlflowException
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric

    client, facts = run.client, _facts(bundle)
    logged = client.create_logged_model(
        run.experiment_id, name=name, source_run_id=run.run_id, tags=facts, model_type="tagger"
    )
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        source, model = Path(folder, FOLDER), Path(folder, "model")
        _copy(bundle_url, source, storage=storage, run=run)
        _save_model(model, source=source, bundle=bundle, logged=logged)
        client.log_model_artifacts(logged.model_id, str(model))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    now_ms = round(time.time() * 1000)
    numbers = [
        Metric(metric_name(key), value, now_ms, 0, model_id=logged.model_id)
        for key, value in metrics.items()
    ]
    client.log_batch(run.run_id, metrics=numbers)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=run.run_id,
        tags=facts,
        model_id=logged.model_id,
    )
    return int(made.version)


class Registry:
    """The registered models of the workspace's database, or of a tracking server."""

    def __init__(self, *, workspace: WorkspaceConfig, tracking: TrackingConfig) -> None:
        self._root_url, self._storage = absolute(workspace.root_url), workspace.storage
        with first_use(workspace.root_url, tracking=tracking):
            self._client = open_client(workspace.root_url, tracking=tracking)

    def aliases(self, name: str) -> dict[str, int]:
        """The version behind each alias.

        Raises:
            ConfigError: no such model.
        """
        with _found(f"no registered model {name}: earmark train registers one"):
            model = self._client.get_registered_model(name)
        return {alias: int(version) for alias, version in model.aliases.items()}

    def newest(self, name: str) -> int:
        """The highest version.

        Raises:
            ConfigError: there is none.
        """
        versions = self._client.search_model_versions(f"name = '{name}'")
        if not versions:
            raise ConfigError(f"no version of a registered model {name}: earmark train adds one")
        return max(int(version.version) for version in versions)

    def bundle_url(self, name: str, *, version: int) -> str:
        """A version's bundle, copied to ROOT/models/registered unless it is there.

        The folder's name holds the fingerprint: another registry's version never stands for it.

        Raises:
            ConfigError: no such version, or it holds no bundle that can be read, or another bundle
                than was registered.
        """
        with _found(f"the registered model {name} has no version {version}"):
            tags = self._client.get_model_version(name, str(version)).tags
            place = self._client.get_model_version_download_uri(name, str(version))
        fingerprint = tags.get("fingerprint", "")
        if not FINGERPRINT.fullmatch(fingerprint):
            raise ConfigError(
                f"version {version} of {name} holds no bundle; earmark train registers those"
            )
        folder = f"{version}-{fingerprint[:12]}"
        url = join(self._root_url, "models", "registered", name, folder)
        if not self._storage.exists(join(url, BUNDLE_FILE)):
            there = self._listed(f"{place}/data/{FOLDER}")
            names = (*there.intersection(BESIDE), WEIGHTS_FILE, BUNDLE_FILE)
            files = {file: self._download(f"{place}/data/{FOLDER}/{file}") for file in names}
            check_files(files[BUNDLE_FILE], files[WEIGHTS_FILE], fingerprint=fingerprint, url=place)
            for file, data in files.items():
                self._storage.write(join(url, file), data)
        return url

    def make_champion(self, name: str, *, version: int) -> None:
        """Moves the alias."""
        self._client.set_registered_model_alias(name, CHAMPION, str(version))

    def note(self, name: str, *, version: int, facts: Mapping[str, str]) -> None:
        """Keeps facts as tags of a version."""
        for key, value in facts.items():
            self._client.set_model_version_tag(name, str(version), key, value)

    def _listed(self, artifact_uri: str) -> set[str]:
        """Names of the files in a folder; none, if it is not there."""
        from mlflow.artifacts import list_artifacts

        found = list_artifacts(artifact_uri, tracking_uri=self._client.tracking_uri)
        return {PurePosixPath(file.path).name for file in found}

    def _download(self, artifact_uri: str) -> bytes:
        from mlflow import MlflowException
        from mlflow.artifacts import download_artifacts

        with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
            try:
                path = download_artifacts(
                    artifact_uri, dst_path=folder, tracking_uri=self._client.tracking_uri
                )
            except (MlflowException, OSError) as error:
                raise ConfigError(f"{artifact_uri} cannot be read: {error}") from error
            return Path(path).read_bytes()


@contextmanager
def _found(message: str) -> Iterator[None]:
    """What MLflow does not have becomes a ConfigError."""
    from mlflow import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ConfigError(message) from None


def _facts(bundle: Bundle) -> dict[str, str]:
    return {
        "fingerprint": bundle.fingerprint,
        "model_version": bundle.model_version,
        "taxonomy_id": bundle.taxonomy.taxonomy_id,
        "tags": json.dumps(bundle.taxonomy.tags, ensure_ascii=False),
    }


def _copy(bundle_url: str, folder: Path, *, storage: Storage, run: Run) -> None:
    """A bundle's files into a new folder; what is beside it becomes the run's as well."""
    folder.mkdir()
    for file in (WEIGHTS_FILE, BUNDLE_FILE):
        (folder / file).write_bytes(storage.read(join(bundle_url, file)))
    for file in BESIDE:
        if storage.exists(join(bundle_url, file)):
            data = storage.read(join(bundle_url, file))
            (folder / file).write_bytes(data)
            run.file(file, data)


def _save_model(path: Path, *, source: Path, bundle: Bundle, logged: Any) -> None:  # noqa: ANN401
    """MLflow's folder of the model: MLmodel, requirements, example, and the bundle as its data."""
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    float32 = np.dtype(np.float32)
    pyfunc.save_model(
        str(path),
        loader_module=LOADER,
        data_path=str(source),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
        ),
        signature=ModelSignature(
            inputs=Schema([TensorSpec(float32, (-1, -1))]),
            outputs=Schema([TensorSpec(float32, (-1, len(bundle.taxonomy.tags)))]),
        ),
        input_example=_example(bundle.frontend.sample_rate),
        pip_requirements=[f"earmark=={installed_version('earmark')}"],
    )


def _example(sample_rate: int) -> NDArray[np.float32]:
    """A second of three tones (1, T)."""
    time_T = np.arange(sample_rate) / sample_rate
    tones_T = [np.sin(2 * np.pi * hz * time_T) / 4 for hz in EXAMPLE_HZ]
    return np.array([np.add.reduce(tones_T)], np.float32)
