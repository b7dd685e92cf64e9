"""Nodes that join a Ray head as processes, and can be lost at once; what the head knows of them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from ray_head import Head, end, free_port, start_node

JOIN_S = 120


class Node:
    """A node that has joined.

    Attributes:
        name: also that of a resource which it alone has.
        node_id: the head's.
        process: its first.
    """

    def __init__(self, name: str, *, head: Head, log: Path) -> None:
        self.name = name
        line = [
            *(f"--address={head.core_address}", "--num-cpus=1"),
            f"--dashboard-agent-listen-port={free_port()}",
            # Its own, as on a machine of its own: in a shared one Ray 2.60 unpacks the program of a
            # job once more for each node, over the folder in which others run it.
            f"--temp-dir={head.folder / name}",
            f"--resources={json.dumps({name: 1})}",
        ]
        core, environment = head.core_address, head.environment
        self.process = start_node(line, core=core, environment=environment, log=log)
        self._head, self._log = head, log
        self.node_id = ""

    def wait(self) -> None:
        """Until the head counts it among its nodes."""
        deadline = time.monotonic() + JOIN_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self._log.read_text()
            for node in known(self._head, "nodes"):
                if self.name in node["resources_total"] and node["state"] == "ALIVE":
                    self.node_id = node["node_id"]
                    return
            time.sleep(0.3)
        raise AssertionError(f"{self.name} did not join in {JOIN_S} s: {self._log.read_text()}")

    def kill(self) -> int:
        """SIGKILL to all its processes at once, as when a machine is lost; gives their number."""
        first = psutil.Process(self.process.pid)
        doomed = [first, *first.children(recursive=True)]
        for process in doomed:  # none of them shall see another one die
            process.suspend()
        for process in doomed:
            process.kill()
        self.process.wait(timeout=10)
        return len(doomed)


@contextmanager
def worker_nodes(head: Head, *, folder: Path) -> Iterator[list[Node]]:
    """A list for nodes: those in it are ended."""
    folder.mkdir()
    nodes: list[Node] = []
    try:
        yield nodes
    finally:
        end(*(node.process for node in nodes))


def known(head: Head, what: str) -> list[dict[str, Any]]:
    """What the head's state API lists: nodes, actors."""
    token = Path(head.environment["RAY_AUTH_TOKEN_PATH"]).read_text()
    request = urllib.request.Request(
        f"{head.address}/api/v0/{what}?detail=true&limit=1000",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]["result"]["result"]
