"""What a cluster has beside Ray, as processes of this machine: an S3 store, a database, MLflow."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ray_head import end, free_port

from pipeline.storage import Storage

TESTS = Path(__file__).resolve().parent
BUCKET = "earmark"
START_S = 180
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)[-1:]
UNPRIVILEGED = "nobody"
"""PostgreSQL does not start as root."""


@dataclass
class Clock:
    """Says what happened, and when."""

    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        print(f"{now - self.started:6.1f} s  +{now - self.last:5.1f} s  {text}", flush=True)
        self.last = now

    def lines(self, text: str) -> None:
        """What a program said, under its step."""
        for line in text.strip().splitlines():
            print(f"{'':18}| {line}", flush=True)


@dataclass(frozen=True)
class Store:
    """An S3 endpoint with an empty bucket.

    Attributes:
        url: of the endpoint.
        environment: credentials.
    """

    url: str
    environment: dict[str, str]

    @property
    def storage(self) -> Storage:
        return Storage(endpoint_url=self.url)


@contextmanager
def s3_store() -> Iterator[Store]:
    """Keeps its objects in memory."""
    environment = {
        "AWS_ACCESS_KEY_ID": "machine",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    server = subprocess.Popen(
        [sys.executable, str(TESTS / "s3" / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Store(f"http://127.0.0.1:{int(server.stdout.readline())}", environment)
    finally:
        server.stdin.close()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(timeout=10)


@contextmanager
def tracking_store(folder: Path) -> Iterator[str]:
    """A database for MLflow's server: PostgreSQL where it and its driver are, else SQLite."""
    if POSTGRES and importlib.util.find_spec("psycopg2"):
        with _postgres(POSTGRES[0]) as url:
            yield url
    else:
        yield f"sqlite:///{folder}/mlflow.db"


@contextmanager
def _postgres(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="ep-", dir="/tmp"))
    password, port = secrets.token_hex(16), free_port()
    (folder / "password").write_text(password)
    options: dict[str, str] = {}
    if os.geteuid() == 0:
        options = {"user": UNPRIVILEGED}
        for path in (folder, folder / "password"):
            shutil.chown(path, UNPRIVILEGED)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    made = subprocess.run(
        [
            *(programs / "initdb", "--no-sync", "--username=mlflow", "--auth=scram-sha-256"),
            *(f"--pwfile={folder / 'password'}", f"--pgdata={folder / 'data'}"),
        ],
        cwd=folder,
        **pipes,
        **options,
    )
    assert made.returncode == 0, made.stdout
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(programs / "postgres", "-D", folder / "data", "-p", str(port), "-c", "fsync=off"),
                *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"),
            ],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
    try:
        _wait_for_database([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], server)
        yield f"postgresql+psycopg2://mlflow:{password}@127.0.0.1:{port}/postgres"
    finally:
        end(server)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_database(line: list[str | Path], server: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_S
    while subprocess.run(line, capture_output=True).returncode:
        assert server.poll() is None, "PostgreSQL ended"
        assert time.monotonic() < deadline, "PostgreSQL did not start"
        time.sleep(0.2)


class TrackingServer:
    """MLflow as a server whose files are in the bucket; clients reach them through it.

    Attributes:
        url: of the server.
    """

    def __init__(self, process: subprocess.Popen, *, url: str, log: Path) -> None:
        self.url = url
        self._process, self._log = process, log

    def wait(self) -> None:
        """Until it answers: a new database takes it most of a minute."""
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.3)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def mlflow_server(database: str, *, store: Store, folder: Path) -> Iterator[TrackingServer]:
    """Begins to start one."""
    port, log = free_port(), folder / "mlflow.log"
    variables = {
        "MLFLOW_BACKEND_STORE_URI": database,  # not in the command line, which all can read
        "MLFLOW_S3_ENDPOINT_URL": store.url,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # five processes for what nobody uses
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with log.open("w") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}"),
                *("--workers=1", f"--artifacts-destination=s3://{BUCKET}/mlflow"),
            ],
            cwd=folder,
            env={**os.environ, **store.environment, **variables},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield TrackingServer(process, url=f"http://127.0.0.1:{port}", log=log)
    finally:
        end(process, wait_s=3)  # it waits for its clients' connections, which they keep open
