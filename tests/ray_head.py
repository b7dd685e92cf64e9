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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

RAY = Path(sys.executable).parent / "ray"
START_S = 120
PORTS = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")
SMALL = ("--object-store-memory=200000000", "--min-worker-port=0", "--max-worker-port=0")
"""Of every node: workers take any free port, as several nodes of one machine must."""


@dataclass(frozen=True)
class Head:
    """A head that runs.

    Attributes:
        address: of its Jobs API.
        core_address: of its core, which nodes join.
        environment: what a command needs to be let in.
        folder: for its files, and those of nodes that join; it goes with it.
    """

    address: str
    core_address: str
    environment: dict[str, str]
    folder: Path


@contextmanager
def ray_head(*, num_cpus: int = 2, variables: Mapping[str, str] | None = None) -> Iterator[Head]:
    """Its `variables` are those of each job's driver as well."""
    folder = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))  # a socket's path is at most 107 long
    (folder / "token").write_text(secrets.token_hex(16))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = {
        **kept,
        **(variables or {}),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ports = {name: free_port() for name in PORTS}
    line = [
        *("--head", f"--num-cpus={num_cpus}"),
        *("--include-dashboard=true", "--dashboard-host=127.0.0.1"),
        f"--temp-dir={folder / 'ray'}",
        *(f"--{name}={port}" for name, port in ports.items()),
    ]
    core = f"127.0.0.1:{ports['port']}"
    process = start_node(line, core=core, environment=environment, log=folder / "log")
    address = f"http://127.0.0.1:{ports['dashboard-port']}"
    try:
        _wait_until_up(process, address, log=folder / "log")
        yield Head(address, core, environment, folder)
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def start_node(
    line: Sequence[str], *, core: str, environment: Mapping[str, str], log: Path
) -> subprocess.Popen:
    """A node of the cluster with the core at this address, in a session of its own.

    RAY_ADDRESS is set as KubeRay does: where it is not, and Ray's files are not in /tmp/ray, the
    helpers of Ray Train look for the cluster for 40 s in vain, and print a traceback (Ray 2.60).
    """
    with log.open("w") as file:
        return subprocess.Popen(
            [RAY, "start", "--block", *SMALL, *line],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**environment, "RAY_ADDRESS": core},
            start_new_session=True,
        )


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


def end(*processes: subprocess.Popen, wait_s: float = 15) -> None:
    """Ends processes and what they started, each by its own id."""
    alive = [process for process in processes if process.poll() is None]
    heads = [psutil.Process(process.pid) for process in alive]
    family = [member for head in heads for member in (head, *head.children(recursive=True))]
    for process in alive:
        os.kill(process.pid, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=wait_s)
    for member in left:
        member.kill()  # psutil knows a process by its start too: never one that has the id by now
    psutil.wait_procs(left, timeout=10)
    for process in alive:
        process.wait(timeout=10)
