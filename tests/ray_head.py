"""A Ray head with its job server and a token, as a process; it ends with all that it started."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

RAY = Path(sys.executable).parent / "ray"
START_S = 120
PORTS = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")


@dataclass(frozen=True)
class Head:
    """A head that runs.

    Attributes:
        address: of its Jobs API.
        environment: what a command needs to be let in.
    """

    address: str
    environment: dict[str, str]


@contextmanager
def ray_head(*, num_cpus: int = 2) -> Iterator[Head]:
    folder = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))  # a socket's path is at most 107 long
    (folder / "token").write_text(secrets.token_hex(16))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = kept | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ports = {name: free_port() for name in PORTS}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(RAY, "start", "--head", "--block", f"--num-cpus={num_cpus}"),
                *("--include-dashboard=true", "--dashboard-host=127.0.0.1"),
                *("--object-store-memory=200000000", f"--temp-dir={folder / 'ray'}"),
                *(f"--{name}={port}" for name, port in ports.items()),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{ports['dashboard-port']}"
    try:
        _wait_until_up(process, address, log=folder / "log")
        yield Head(address, environment)
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_up(process: subprocess.Popen, address: str, *, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{address}/api/version", timeout=2)
        except urllib.error.HTTPError as error:
            code = error.code
        except OSError:
            time.sleep(0.5)
            continue
        else:
            code = 200
        assert code == 401, "the head asks for its token"
        return
    raise AssertionError(f"the head did not come up in {START_S} s: {log.read_text()}")


def _end(process: subprocess.Popen) -> None:
    """Ends the head and what it started, each by its own id."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    os.kill(process.pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=15)
    for child in alive:
        child.kill()  # psutil knows a process by its start too: never one that has the id by now
    psutil.wait_procs(alive, timeout=10)
