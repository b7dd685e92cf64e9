"""A cluster of several nodes on this machine, and drivers that can be started and killed on it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from fault_driver import Job, drive
from ray.cluster_utils import Cluster

TESTS = Path(__file__).resolve().parents[1]
MEBIBYTE = 2**20
NUM_NODES = 2
NODE_ATTEMPTS = 3
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(map(str, (TESTS / "faults", TESTS, TESTS.parent))),
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ENABLE_AUTO_CONNECT": "0",
}
SYSTEM = {
    # A killed node is known to be dead after 3 s instead of 15.
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 5,
}
RUN_LIMIT_S = 300  # far more than a run needs: the machine may be busy with other things


class Driver:
    """A job that was started."""

    def __init__(self, job: Job, process: Any) -> None:
        self.job = job
        self._process = process

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait(self, limit_s: float = RUN_LIMIT_S) -> str:
        """Gives what the run said at its end: nothing when all went well."""
        self._process.join(limit_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            return f"HANG: no end within {limit_s:g} s"
        if self._process.exitcode == -signal.SIGKILL:
            return "killed"
        if not self.job.outcome.exists():
            return "CRASH: " + self.job.log.read_text(errors="replace").strip()[-600:]
        return json.loads(self.job.outcome.read_text())["message"]


class Ground:
    """The cluster: a head that does no work, and two nodes that take two workers each."""

    def __enter__(self) -> Self:
        self._before = {name: os.environ.get(name) for name in ENVIRONMENT}
        os.environ |= ENVIRONMENT
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["fault_driver"])
        self._processes.Process(target=int).start()  # imports while the cluster starts
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": SYSTEM}
        self._cluster = Cluster(initialize_head=True, head_node_args=head | _memory())
        for _ in range(NUM_NODES):
            self.add_node()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cluster.shutdown()
        for name, value in self._before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value

    @property
    def address(self) -> str:
        return self._cluster.address

    def start(self, job: Job) -> Driver:
        process = self._processes.Process(target=drive, args=(job,))
        process.start()
        return Driver(job, process)

    def add_node(self) -> None:
        # One logical CPU, half of which a worker takes: Ray starts a spare process for every
        # logical CPU and job, two seconds of work each.
        for attempt in range(NODE_ATTEMPTS):
            try:
                self._cluster.add_node(num_cpus=1, **_memory())
                return
            except Exception:  # of Ray: it gives a node 30 s, however busy the machine is
                if attempt == NODE_ATTEMPTS - 1:
                    raise

    def kill_node(self, node_id: str) -> int:
        """Ends all of a node's processes at once, as a power cut does; gives their number."""
        node = next(node for node in self._cluster.worker_nodes if node._node_id == node_id)
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        doomed = [raylet, *raylet.children(recursive=True)]
        for process in doomed:
            process.suspend()
        for process in doomed:
            process.kill()
        self._cluster.remove_node(node, allow_graceful=False)
        return len(doomed)


def _memory() -> dict[str, int]:
    return {"object_store_memory": 150 * MEBIBYTE}


def wait_for(
    marker: Path, driver: Driver, *, limit_s: float = RUN_LIMIT_S
) -> dict[str, Any] | None:
    """What a worker wrote when its fault came; None if the run ended without it."""
    deadline = time.monotonic() + limit_s
    while not marker.exists():
        if not driver.is_alive or time.monotonic() > deadline:
            return None
        time.sleep(0.02)
    return json.loads(marker.read_text())
