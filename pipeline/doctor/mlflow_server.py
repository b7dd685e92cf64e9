"""MLflow: does the tracking store answer, is its version ours, can artifacts be written."""

from __future__ import annotations

import base64
import os
import tempfile
import urllib.error
import urllib.request
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from pipeline.config import TrackingConfig
from pipeline.doctor.deadline import brief
from pipeline.doctor.finding import Finding, State
from pipeline.storage import absolute, is_local, join, local_path
from pipeline.tracking import asked, open_client

TRACKING, VERSION, ARTIFACTS = "MLflow", "MLflow version", "MLflow artifacts"
SQLITE = "sqlite:///"
START = (
    "start the server (mlflow server --host HOST --port 5000 ...), or mend tracking.uri; with a "
    "login set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
)
MEND = (
    "see whether the database is up and its address right (tracking.uri); one of an older MLflow "
    "is brought up to date with `mlflow db upgrade URI`; restore a broken one from its backup"
)
MOVED = (
    "nothing, if no run has kept a file yet; a database that was moved leads to the old place: "
    "move the folder too, or name another tracking.experiment"
)
WRITABLE = (
    "start the server with --artifacts-destination URL (it then writes for its clients), or give "
    "this machine and the workers the right to write there"
)


def check_mlflow(tracking: TrackingConfig, *, root_url: str, timeout_s: float) -> list[Finding]:
    """Everything about MLflow.

    Args:
        tracking: where it is.
        root_url: of the workspace, whose own database is used where no URI is set.
        timeout_s: of the first request to a server, seconds.

    Raises:
        ConfigError: the workspace is remote and no tracking URI is set.
        UserError: MLflow answers with a fault.
    """
    uri = tracking.uri
    if uri and uri.startswith(("http://", "https://")):
        try:
            found = [_versions(_server_version(uri, timeout_s=timeout_s))]
        except (OSError, ValueError) as error:
            return [Finding(TRACKING, State.FAILED, f"{uri}: {brief(error)}", START)]
        file = None
    else:
        found = []
        file = _database(uri, root_url=root_url)
        if file and not file.exists():
            return [Finding(TRACKING, State.SKIPPED, f"no runs yet: the first job makes {file}")]
    try:
        client = open_client(root_url, tracking=tracking)
        with asked(client):
            experiment = client.get_experiment_by_name(tracking.experiment)
            default = experiment or (client.get_experiment("0") if found else None)
    except SQLAlchemyError as error:
        seen = f"{uri or file}: {brief(str(error).partition('[SQL')[0])}"
        return [Finding(TRACKING, State.FAILED, seen, MEND)]
    known = "is there" if experiment else "is made by the first job"
    seen = f"{client.tracking_uri} answers; the experiment {tracking.experiment} {known}"
    place = default.artifact_location if default else ""
    if experiment is None and _is_folder(place):
        place = ""  # a new experiment need not be where the first one of the server was made
    return [
        Finding(TRACKING, State.OK, seen),
        *found,
        _artifacts(client, place, root_url=root_url, is_server=bool(found)),
    ]


def _database(uri: str | None, *, root_url: str) -> Path | None:
    """The SQLite file that is meant; None: no such file."""
    if uri is None and is_local(root_url):
        return Path(local_path(root_url)) / "mlflow.db"
    return Path(uri.removeprefix(SQLITE)) if uri and uri.startswith(SQLITE) else None


def _server_version(uri: str, *, timeout_s: float) -> str:
    """What a server says of itself; empty where it has no such page."""
    request = urllib.request.Request(f"{uri.rstrip('/')}/version", headers=_login())  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - http(s)
            return str(answer.read(100).decode(errors="replace")).strip()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise


def _login() -> dict[str, str]:
    """As MLflow's own client sends it."""
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{n}", "") for n in ("USERNAME", "PASSWORD"))
    if user and password:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _versions(there: str) -> Finding:
    own = version("mlflow")
    if not there:
        return Finding(VERSION, State.SKIPPED, f"the server does not say; {own} here")
    if there.split(".")[:2] == own.split(".")[:2]:
        return Finding(VERSION, State.OK, f"{there} of the server, {own} here")
    remedy = f"run the server with mlflow {own}, and `mlflow db upgrade` its database"
    return Finding(VERSION, State.WARNING, f"{there} of the server, {own} here", remedy)


def _is_folder(place: str) -> bool:
    """Whether artifacts are in a folder of whoever writes (mlflow-artifacts:/0 is the server's)."""
    return urlsplit(place).scheme in ("", "file")


def _artifacts(client: Any, place: str, *, root_url: str, is_server: bool) -> Finding:  # noqa: ANN401
    if not place:
        return Finding(ARTIFACTS, State.SKIPPED, "the experiment is not there yet")
    if place.removeprefix("file://").startswith(absolute(root_url)):
        return Finding(ARTIFACTS, State.SKIPPED, "they are in the workspace, which is tried itself")
    if is_server and _is_folder(place):
        seen = f"{place} is a folder of whoever writes, not of the server"
        return Finding(ARTIFACTS, State.WARNING, seen, WRITABLE)
    if _is_folder(place) and not Path(place.removeprefix("file://")).is_dir():
        seen = f"{place} is not there"
        return Finding(ARTIFACTS, State.WARNING, seen, MOVED)
    name = f"earmark-doctor-{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="earmark-doctor-") as folder:
        file = Path(folder) / "try.txt"
        file.write_text(name, encoding="utf-8")
        try:
            with asked(client) as opened:
                kept = opened(join(place, name))
                kept.log_artifact(str(file))
                there = [Path(entry.path).name for entry in kept.list_artifacts()]
                kept.delete_artifacts()
                left = kept.list_artifacts()
        except OSError as error:
            return Finding(ARTIFACTS, State.FAILED, f"{place}: {brief(error)}", WRITABLE)
    if there != [file.name]:
        return Finding(ARTIFACTS, State.FAILED, f"{place}: what was written is not there", WRITABLE)
    if left:
        seen, remedy = f"{place}: written, not deleted", f"delete {join(place, name)} yourself"
        return Finding(ARTIFACTS, State.WARNING, seen, remedy)
    return Finding(ARTIFACTS, State.OK, f"{place}: written, listed, deleted")
