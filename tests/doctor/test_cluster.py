from __future__ import annotations

import pytest

from pipeline.doctor.cluster import joined, machines
from pipeline.doctor.finding import State
from pipeline.stages.every_node import ClusterAnswer, NodeAnswer

TOKEN = {"RAY_AUTH_MODE": "token"}
REFUSED = (
    "ConnectionError: Failed to connect to Ray cluster at 10.0.0.1:6379\n"
    "gcs_client.cc:210: Unauthenticated: RPC error: InvalidAuthToken: Authentication token is "
    "missing or incorrect"
)
NONE_FOUND = (
    "AuthenticationError: Token authentication is enabled but no authentication token was found."
)
OTHER = "RuntimeError: Version mismatch: The cluster was started with:\n    Ray: 2.50.0"


def node(mode: str, *, name: str = "n1") -> NodeAnswer:
    return NodeAnswer(name, {"GPU": 2.0, "object_store_memory": 1e9}, {"auth_mode": mode})


@pytest.mark.parametrize(
    ("error", "environment", "check", "seen"),
    [
        (REFUSED, TOKEN, "Ray token", "the head refuses this one"),
        (REFUSED, {}, "Ray token", "none was sent"),
        (NONE_FOUND, TOKEN, "Ray token", "no token is found"),
        (OTHER, TOKEN, "versions", "Ray: 2.50.0"),
        ("no answer within 9 s", TOKEN, "Ray cluster", "no answer within 9 s"),
    ],
)
def test_why_a_cluster_is_not_joined_is_told_apart(error, environment, check, seen):
    answer = ClusterAnswer(error=error)
    (found,) = joined(answer, core="10.0.0.1:6379", environment=environment)
    assert (found.check, found.state) == (check, State.FAILED)
    assert seen in found.seen
    assert found.remedy


@pytest.mark.parametrize(
    ("nodes", "state"),
    [
        ((node("token"), node("token")), State.OK),
        ((node(""),), State.WARNING),
        ((node("token"), node("disabled", name="n2")), State.FAILED),
        ((NodeAnswer("n1", {}, None, "late"),), State.SKIPPED),
    ],
)
def test_a_cluster_of_several_machines_wants_a_token(nodes, state):
    cluster, found = joined(ClusterAnswer(nodes), core="auto", environment=TOKEN)
    assert cluster.seen.startswith(f"joined, {len(nodes)} node")
    assert (found.check, found.state) == ("Ray token", state)
    assert ("RAY_AUTH_MODE=token" in found.remedy) == (state in (State.WARNING, State.FAILED))


def test_nodes_become_machines():
    late = NodeAnswer("n2", {}, None, "GetTimeoutError: late")
    first, second = machines(ClusterAnswer((node("token"), late)))
    assert (first.ray_gpus, first.store_bytes) == (2.0, 10**9)
    assert (second.facts, second.error) == (None, "GetTimeoutError: late")
