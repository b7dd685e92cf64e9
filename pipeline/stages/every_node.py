"""Runs a function once on every node of a Ray cluster, in a process that can be given up.

Ray's driver may wait for long, or end the process, where a head does not answer as it should, and
says why on standard error alone; so it runs in a child, which is killed at its time limit. Facts
(Ray 2.60): a wrong token and a missing one are a ConnectionError after 20 s, and InvalidAuthToken
in the log; a driver of another Ray or Python is refused with a RuntimeError.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

IMPORT_ROOT = Path(__file__).resolve().parents[2]
CLOCK_READINGS = 5
SHARE_S = 0.8
"""Of the child's time, for its own waiting: the rest is to say what it has."""
ERROR_CHARACTERS = 2000


@dataclass(frozen=True)
class NodeAnswer:
    """What a node said.

    Attributes:
        name: its host's name and address.
        resources: Ray's, by name; bytes for object_store_memory.
        value: what the function gave; None if it did not.
        error: why not.
        clock_s: its clock less the driver's, seconds; None: not read.
        clock_error_s: half of the shortest round trip, seconds.
    """

    name: str
    resources: dict[str, float]
    value: dict[str, Any] | None
    error: str = ""
    clock_s: float | None = None
    clock_error_s: float = 0.0


@dataclass(frozen=True)
class ClusterAnswer:
    """What became of the question.

    Attributes:
        nodes: the alive ones; none if the cluster could not be joined.
        error: why it could not, with the end of Ray's own log.
    """

    nodes: tuple[NodeAnswer, ...] = ()
    error: str = ""


def ask_every_node(
    address: str,
    *,
    function: str,
    arguments: Mapping[str, object],
    timeout_s: float,
    environment: Mapping[str, str] = os.environ,
) -> ClusterAnswer:
    """Joins a cluster in a child process, and asks all of its nodes.

    Args:
        address: HOST:PORT or auto.
        function: `module:name`; its module travels by value, as it is here. It takes `arguments`
            and `ray_gpus`, the GPUs that Ray counts on the node, and gives what JSON can say.
        arguments: what JSON can say.
        timeout_s: seconds for all.
        environment: variables of the child.
    """
    question: dict[str, object] = {"address": address, "function": function}
    question["arguments"] = dict(arguments)
    with tempfile.TemporaryDirectory(prefix="earmark-nodes-") as folder:
        answer = Path(folder) / "answer.json"
        question |= {"answer": str(answer), "timeout_s": timeout_s * SHARE_S}
        try:
            said = subprocess.run(
                [sys.executable, "-m", "pipeline.stages.every_node"],
                input=json.dumps(question),
                capture_output=True,
                text=True,
                timeout=timeout_s,
                cwd=IMPORT_ROOT,
                env=dict(environment),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            log = (error.stderr or b"").decode(errors="replace")
            return ClusterAnswer(error=f"no answer within {timeout_s:g} s\n{_end(log)}")
        if not answer.exists():
            return ClusterAnswer(error=f"exit code {said.returncode}\n{_end(said.stderr)}")
        tree = json.loads(answer.read_text(encoding="utf-8"))
    if tree["error"]:
        return ClusterAnswer(error=f"{tree['error']}\n{_end(said.stderr)}")
    return ClusterAnswer(tuple(NodeAnswer(**node) for node in tree["nodes"]))


def _end(log: str) -> str:
    return log.strip()[-ERROR_CHARACTERS:]


class _Probe:
    """An actor on a node; it knows nothing but Python, since Earmark may not be there."""

    def run(self, function: Any, arguments: dict[str, Any]) -> Any:  # noqa: ANN401
        return function(**arguments)

    def clock(self) -> float:
        return time.time()


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    module, name = question["function"].split(":")
    travelling = importlib.import_module(module)
    ray.cloudpickle.register_pickle_by_value(travelling)
    deadline = time.monotonic() + question["timeout_s"]
    try:
        ray.init(address=question["address"], log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        return {"error": f"{type(error).__name__}: {error}", "nodes": []}
    alive = [node for node in ray.nodes() if node["Alive"]]
    function = getattr(travelling, name)
    asked = [_ask(node, function, arguments=question["arguments"]) for node in alive]
    nodes = [
        _node(node, probe, reference, deadline=deadline)
        for node, (probe, reference) in zip(alive, asked, strict=True)
    ]
    return {"error": "", "nodes": nodes}


def _ask(node: dict[str, Any], function: object, *, arguments: dict[str, Any]) -> tuple[Any, Any]:
    """An actor that takes nothing: a cluster at work has room for it too."""
    here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    probe = ray.remote(_Probe).options(num_cpus=0, scheduling_strategy=here).remote()
    arguments = arguments | {"ray_gpus": node["Resources"].get("GPU", 0.0)}
    return probe, probe.run.remote(function, arguments)


def _node(node: dict[str, Any], probe: Any, reference: Any, *, deadline: float) -> dict[str, Any]:  # noqa: ANN401
    facts: dict[str, Any] = {
        "name": f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
        "resources": node["Resources"],
        "value": None,
    }
    try:
        facts["value"] = ray.get(reference, timeout=max(1.0, deadline - time.monotonic()))
        return facts | _clock(probe, deadline=deadline)
    except RayError as error:  # GetTimeoutError too
        return facts | {"error": f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]}


def _clock(probe: Any, *, deadline: float) -> dict[str, float]:  # noqa: ANN401
    """Cristian's algorithm: the reading with the shortest round trip, halfway through it."""
    best = (float("inf"), 0.0)
    for _ in range(CLOCK_READINGS):
        sent = time.time()
        there = ray.get(probe.clock.remote(), timeout=max(1.0, deadline - time.monotonic()))
        back = time.time()
        best = min(best, (back - sent, there - (sent + back) / 2))
    return {"clock_s": best[1], "clock_error_s": best[0] / 2}


def main() -> None:
    """The child: a question on standard input, the answer in the file that it names."""
    question = json.load(sys.stdin)
    answer = json.dumps(_answer(question))
    Path(question["answer"]).write_text(answer, encoding="utf-8")


if __name__ == "__main__":
    main()
