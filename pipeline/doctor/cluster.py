"""The Ray cluster from inside: joined, its token, and its nodes as machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.doctor.deadline import brief
from pipeline.doctor.finding import Finding, State
from pipeline.doctor.ray_address import CLOSED, LET_IN, START, TOKEN
from pipeline.doctor.verdicts import Machine
from pipeline.stages.every_node import ClusterAnswer, NodeAnswer

BAD_TOKEN = ("InvalidAuthToken", "AuthenticationError", "Unauthenticated")
"""In Ray's messages and logs (2.60)."""
CLUSTER = "Ray cluster"
OTHER_VERSION = "Version mismatch"
SAME = "install the cluster's Python and Ray here, or the driver's there (one image for all)"


def joined(answer: ClusterAnswer, *, core: str, environment: Mapping[str, str]) -> list[Finding]:
    """What joining says of address, token and versions.

    Args:
        answer: of all nodes.
        core: the address that was joined.
        environment: the driver's variables.
    """
    mode = environment.get("RAY_AUTH_MODE", "").lower()
    if any(sign in answer.error for sign in BAD_TOKEN):
        seen = "the head refuses this one"
        if "no authentication token was found" in answer.error:
            seen = "RAY_AUTH_MODE=token, and no token is found"
        elif mode != "token":
            seen = "the head wants one, and none was sent: RAY_AUTH_MODE is not token"
        return [Finding(TOKEN, State.FAILED, seen, LET_IN)]
    if OTHER_VERSION in answer.error:
        return [Finding("versions", State.FAILED, brief(answer.error), SAME)]
    if answer.error:
        return [Finding(CLUSTER, State.FAILED, f"{core}: {brief(answer.error)}", START)]
    number = len(answer.nodes)
    seen = f"joined, {number:,} node" + ("" if number == 1 else "s")
    return [Finding(CLUSTER, State.OK, seen), _nodes_token(answer.nodes)]


def _nodes_token(nodes: Sequence[NodeAnswer]) -> Finding:
    """The nodes' own mode: a driver with a token is let into a cluster that wants none."""
    awake = [node for node in nodes if node.value is not None]
    if not awake:
        return Finding(TOKEN, State.SKIPPED, "no node answered")
    open_nodes = [node.name for node in awake if (node.value or {}).get("auth_mode") != "token"]
    if not open_nodes:
        return Finding(TOKEN, State.OK, "the nodes want one, and this one is taken")
    state = State.FAILED if len(nodes) > 1 else State.WARNING
    where = ", ".join(open_nodes[:5])
    return Finding(TOKEN, state, "RAY_AUTH_MODE of Ray there is not token", CLOSED, where)


def machines(answer: ClusterAnswer) -> list[Machine]:
    """The nodes, as the checks of machines take them."""
    return [
        Machine(
            node.name,
            node.value,
            error=brief(node.error),
            ray_gpus=node.resources.get("GPU", 0.0),
            store_bytes=int(node.resources.get("object_store_memory", 0)) or None,
            clock_s=node.clock_s,
            clock_error_s=node.clock_error_s,
        )
        for node in answer.nodes
    ]
