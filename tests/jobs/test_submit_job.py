"""earmark submit, jobs, logs and stop on the command line, with a Jobs API that is no cluster."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from submissions import FakeClient, fake_jobs

from jobs.__main__ import main
from pipeline.stages import submission, submission_log

SUBMITTED = ["features", "--workspace", "s3://bucket/ws"]


@pytest.fixture
def client(monkeypatch):
    client = FakeClient()
    for verb in ("submit", "jobs", "logs", "stop"):
        monkeypatch.setattr(f"jobs.{verb}.connect", lambda cluster: fake_jobs(client))
    monkeypatch.setattr(submission, "POLL_S", 0.0)
    monkeypatch.setattr(submission_log, "POLL_S", 0.0)
    return client


def run(*line: str) -> SimpleNamespace:
    result = CliRunner().invoke(main, list(line))
    assert "Traceback" not in result.output
    return result


def test_a_detached_job_is_submitted_and_its_id_is_said(client):
    result = run("submit", *SUBMITTED, "--detach")
    assert result.exit_code == 0, result.output
    (sent,) = client.sent
    assert sent["id"].startswith("features-")
    assert sent["id"] in result.stderr
    assert "package: " in result.stderr
    assert sent["entrypoint"] == "python -m jobs features --conf conf/submitted.yaml"
    assert sent["metadata"]["earmark.workspace"] == "s3://bucket/ws"


def test_the_same_call_attaches_and_another_configuration_does_not(client):
    run("submit", *SUBMITTED, "--detach")
    assert "attached" in run("submit", *SUBMITTED, "--detach").stderr
    faster = run("submit", *SUBMITTED, "--set", "runtime.num_actors=3", "--detach")
    assert "attached" in faster.stderr
    refused = run("submit", *SUBMITTED, "--while-alive", "refuse", "--detach")
    assert refused.exit_code == 1
    assert "is not started beside it" in refused.output
    run("submit", *SUBMITTED, "--set", "limits.max_s=60", "--detach")
    assert len(client.sent) == 2


def test_arguments_of_the_verb_stand_after_two_dashes(client):
    run("submit", "models", "--detach", "--", "add", "musicnn:MTT_musicnn")
    entrypoint = client.sent[0]["entrypoint"]
    assert entrypoint.startswith("python -m jobs models add musicnn:MTT_musicnn --conf ")


def test_arguments_that_mean_something_else_elsewhere_are_refused(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    assert "--conf conf/tag.yaml" in run("submit", "tag", "conf/tag.yaml").output
    assert "give it in full" in run("submit", "catalog", "music/").output
    assert not client.sent
    run("submit", "dataset", "--detach", "--", "import", "gtzan", str(tmp_path / "music"))
    assert len(client.sent) == 1


def test_a_fault_of_the_configuration_is_found_before_anything_is_sent(client):
    result = run("submit", "tag", "--set", "runtime.num_actor=2")
    assert result.exit_code == 1
    assert "runtime.num_actor: unknown key" in result.output
    assert not client.sent


@pytest.mark.parametrize("verb", ["browse", "submit", "query", "dance"])
def test_what_is_no_job_cannot_be_submitted(client, verb):
    assert run("submit", verb).exit_code == 2


def test_an_address_elsewhere_without_a_token_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for verb in (["submit", "tag"], ["jobs"], ["logs", "x"], ["stop", "x"]):
        result = run(*verb, "--address", "http://10.1.2.3:8265")
        assert result.exit_code == 1
        assert "there is no token for it" in result.output


def test_an_address_where_nothing_answers_is_one_message(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    result = run("jobs", "--address", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "http://127.0.0.1:9" in result.output


def test_a_followed_job_gives_its_log_and_its_exit_code(client):
    run("submit", *SUBMITTED, "--detach")
    detail = client.details[client.sent[0]["id"]]
    detail.status, detail.end_time, detail.driver_exit_code = "FAILED", 2_000_000, 3
    client.text, client.pieces = "all\n", [["all\n"]]
    result = run("logs", detail.submission_id, "--follow")
    assert (result.exit_code, result.stdout) == (3, "all\n")
    shown = run("logs", detail.submission_id[:-4])
    assert (shown.exit_code, shown.stdout) == (0, "all\n")


def test_jobs_are_listed_for_people_and_for_programs(client):
    assert "no jobs" in run("jobs").output
    run("submit", *SUBMITTED, "--detach")
    client.add("raysubmit_x", "SUCCEEDED", driver_exit_code=0)
    table = run("jobs").output
    assert "features-" in table
    assert "raysubmit_x" in table
    listed = json.loads(run("jobs", "--json").output)
    assert [row["verb"] for row in listed] == ["", "features"]
    assert [row["exit_code"] for row in listed] == [0, None]
    mine = json.loads(run("jobs", "--json", "--workspace", "s3://bucket/ws").output)
    assert len(mine) == 1


def test_a_job_is_stopped_once_and_then_it_goes_on_by_submitting_it_again(client):
    run("submit", *SUBMITTED, "--detach")
    stopped = run("stop", client.sent[0]["id"])
    assert stopped.exit_code == 0
    assert "was stopped" in stopped.output
    assert "was stopped" in run("stop", client.sent[0]["id"]).output
    run("submit", *SUBMITTED, "--detach")
    assert client.sent[1]["id"].endswith("-2")
    unknown = run("stop", "nothing")
    assert unknown.exit_code == 1
    assert "earmark jobs lists" in unknown.output
