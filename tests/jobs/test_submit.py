"""The same job, submitted to a Ray head that was started by hand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from deltalake import DeltaTable
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_broken, write_catalog, write_tones

from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
RAY = Path(sys.executable).parent / "ray"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def head(tmp_path_factory):
    """A Ray head with its job server; ends with every process that it started."""
    named = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")
    ports = {name: free_port() for name in named}  # none of another Ray's on this machine
    log = (tmp_path_factory.mktemp("head") / "log").open("w")
    process = subprocess.Popen(
        [
            *(RAY, "start", "--head", "--block", "--num-cpus=2", "--include-dashboard=true"),
            *("--object-store-memory=200000000", "--dashboard-host=127.0.0.1"),
            *(f"--{name}={port}" for name, port in ports.items()),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{ports['dashboard-port']}"
    try:
        wait_until_up(process, address)
        yield address
    finally:
        family = [process.pid, *(c.pid for c in psutil.Process(process.pid).children(True))]
        os.killpg(process.pid, signal.SIGTERM)
        psutil.wait_procs([psutil.Process(p) for p in family if psutil.pid_exists(p)], timeout=10)
        for pid in filter(psutil.pid_exists, family):
            os.kill(pid, signal.SIGKILL)
        process.wait(10)
        log.close()


def wait_until_up(process: subprocess.Popen, address: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Ray head ended"
        try:
            urllib.request.urlopen(f"{address}/api/version", timeout=2)
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("the Ray head did not come up in 90 s")


def submit(address: str, entrypoint: list[str]) -> subprocess.CompletedProcess:
    """`ray job submit`, again while the head's agent is not up yet."""
    deadline = time.monotonic() + 240
    while True:
        submitted = subprocess.run(
            [RAY, "job", "submit", "--address", address, "--", *entrypoint],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
            env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
        )
        if "No available agent" not in submitted.stderr or time.monotonic() > deadline:
            return submitted
        time.sleep(1)


def test_a_submitted_job_tags_the_catalog(head, tmp_path):
    music = tmp_path / "music"
    write_tones(music, num_tracks=6)
    reasons = write_broken(music)
    give_database(tmp_path)
    write_catalog(tmp_path, sorted(music.iterdir()))
    tone_bundle(str(tmp_path))
    entrypoint = [
        *(sys.executable, "-m", "jobs.tag", str(CONF / "tag.yaml")),
        *("--set", f"workspace.root_url={tmp_path}"),
        *("--set", f"scoring.models=[{TONE_REFERENCE!r}]"),
    ]
    submitted = submit(head, entrypoint)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    rows = DeltaTable(str(tmp_path / "results")).to_pyarrow_table().to_pylist()
    assert len(rows) == 6 + len(reasons)
    assert sum(row["status"] == "ok" for row in rows) == 6
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds
