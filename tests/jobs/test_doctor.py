"""earmark doctor on the command line: healthy, and broken in several ways."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from ray_head import Head, free_port, ray_head
from ray_nodes import Node, worker_nodes
from workspace import CONF

from jobs.__main__ import main
from pipeline.doctor import examine
from pipeline.stages.every_node import ClusterAnswer, NodeAnswer

SMOKE = ("--conf", str(CONF / "doctor.yaml"))
VARIABLES = (
    *("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_AUTH_MODE"),
    *("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "MLFLOW_TRACKING_URI"),
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in a fresh folder, as on a laptop where nothing is configured."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))

    def call(*line: str) -> SimpleNamespace:
        result = CliRunner().invoke(main, ["doctor", *line])
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


def found(result) -> dict[str, dict]:
    return {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


def test_a_fresh_folder_on_a_laptop_is_well_and_stays_empty(run, tmp_path):
    result = run(*SMOKE)
    assert result.exit_code == 0, result.output
    assert "none is named: a job starts a Ray of its own here" in result.output
    assert "no runs yet" in result.output
    assert "failed" not in result.output.splitlines()[-1]
    assert "\x1b" not in result.output
    assert not list((tmp_path / "here").iterdir())


def test_without_a_configuration_it_finds_the_shipped_one(run):
    result = run("--json")
    assert result.exit_code == 0, result.output
    tree = json.loads(result.stdout)
    assert tree["exit_code"] == 0
    assert set(tree["states"]) <= {"ok", "warning", "skipped"}
    assert {"check", "state", "seen", "remedy", "where"} == set(tree["findings"][0])


def test_an_address_where_no_ray_is_has_failed(run):
    result = run(*SMOKE, "--json", "--address", f"127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    address = found(result)["Ray address"]
    assert address["state"] == "failed"
    assert "ray start --head" in address["remedy"]
    assert found(result)["workspace on nodes"]["state"] == "skipped"


def test_a_server_of_mlflow_that_is_not_there_has_failed(run):
    uri = f"http://127.0.0.1:{free_port()}"
    result = run(*SMOKE, "--set", f"tracking.uri={uri}")
    assert result.exit_code == 1
    assert f"{uri}: " in result.output
    assert "mlflow server --host" in result.output


def test_a_workspace_that_cannot_be_written_has_failed(run, tmp_path):
    (tmp_path / "ws").write_text("a file where the folder should be")
    result = run(*SMOKE, "--json", "--workspace", str(tmp_path / "ws"))
    assert result.exit_code == 1
    checks = found(result)
    assert checks["workspace"]["state"] == "failed"
    assert checks["conditional put"]["state"] == checks["table commit"]["state"] == "skipped"


def test_a_node_with_another_version_has_failed(run, monkeypatch):
    def answer(core, *, function, arguments, timeout_s, environment):
        facts = examine.examine(**(arguments | {"trial": None}), ray_gpus=0)
        old = facts | {"versions": facts["versions"] | {"torch": "2.9.0"}, "auth_mode": "token"}
        resources = {"CPU": 2.0, "object_store_memory": 1e8}
        return ClusterAnswer(
            tuple(NodeAnswer(n, resources, v) for n, v in (("n1", facts), ("n2", old)))
        )

    monkeypatch.setattr(examine, "check_core", lambda core, timeout_s: [])
    monkeypatch.setattr(examine, "ask_every_node", answer)
    result = run(*SMOKE, "--json", "--address", "head:6379")
    assert result.exit_code == 1
    failed = [
        f
        for f in json.loads(result.stdout)["findings"]
        if (f["check"], f["state"]) == ("versions", "failed")
    ]
    assert [f["where"] for f in failed] == ["n2"]
    assert failed[0]["seen"].startswith("torch 2.9.0 (driver ")


def test_secrets_are_never_printed(run, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "planted-token")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted-password")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    dead = f"127.0.0.1:{free_port()}"
    for line in (
        ("--address", f"http://{dead}", "--set", f"tracking.uri=http://{dead}"),
        ("--address", f"http://me:planted-password@{dead}"),
        ("--set", f"tracking.uri=http://me:planted-password@{dead}"),
    ):
        for way in ((), ("--json",)):
            result = run(*SMOKE, *line, *way)
            assert result.exit_code == 1
            assert "planted" not in result.output


@pytest.fixture(scope="module")
def head():
    with ray_head() as running:
        yield running


def enter(head: Head, monkeypatch, **variables: str) -> None:
    for name, value in {**head.environment, **variables}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.slow
def test_a_cluster_that_is_well_is_looked_at_from_inside(head, run, monkeypatch, tmp_path):
    enter(head, monkeypatch)
    (tmp_path / "ws").mkdir()
    place = ("--address", head.core_address, "--workspace", str(tmp_path / "ws"))
    with worker_nodes(head, folder=tmp_path / "logs") as nodes:
        nodes.append(Node("second", head=head, log=tmp_path / "logs" / "second"))
        nodes[0].wait()
        result = run(*SMOKE, "--json", *place)
    checks = found(result)
    assert checks["Ray cluster"]["seen"] == "joined, 2 nodes"
    assert checks["open files"]["where"].count("(") == 2
    versions = checks.pop("versions")
    assert "(driver 2." not in versions["seen"]  # the tree may be edited while this runs
    states = {name: finding["state"] for name, finding in checks.items()}
    assert "failed" not in states.values(), result.stdout
    for name in ("Ray address", "Ray token", "clock", "GPUs", "workspace on nodes", "workspace"):
        assert states[name] == "ok", checks[name]
    assert "session" in checks["disk for spilling"]["seen"]
    assert not list((tmp_path / "ws").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "seen"),
    [("token", "the head refuses this one"), ("disabled", "none was sent")],
)
def test_a_wrong_and_a_missing_token_are_found(head, run, monkeypatch, mode, seen):
    enter(head, monkeypatch, RAY_AUTH_TOKEN="planted-and-wrong", RAY_AUTH_MODE=mode)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    result = run(*SMOKE, "--json", "--address", head.core_address)
    assert result.exit_code == 1
    token = found(result)["Ray token"]
    assert token["state"] == "failed"
    assert seen in token["seen"]
    assert "RAY_AUTH_TOKEN_PATH" in token["remedy"]
    assert "planted" not in result.output


@pytest.mark.slow
def test_the_jobs_api_is_asked_with_its_token(head, run, monkeypatch):
    enter(head, monkeypatch)
    checks = found(run(*SMOKE, "--json", "--address", head.address))
    assert checks["Ray token"]["state"] == checks["Ray of the head"]["state"] == "ok"
    assert "earmark submit doctor" in checks["nodes"]["seen"]
