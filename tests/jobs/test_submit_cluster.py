"""Jobs submitted to a real Ray head with a token: ended, failed, attached to, stopped, resumed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from ray_head import RAY, Head, ray_head
from tracking_database import give_database
from workspace import CONF, write_broken, write_tones

from jobs.__main__ import main
from pipeline.config import FeaturesJob, dump, load
from pipeline.config_submit import SubmitConfig
from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
NUM_TRACKS = 240


@pytest.fixture(scope="module")
def head():
    with ray_head() as running:
        yield running


@pytest.fixture
def run(head, tmp_path, monkeypatch):
    """The command in this process, let in by the head's token; its settings are a file."""
    for name, value in head.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")  # --address counts for more
    overrides = (f"cluster.address={head.address}", f"driver.python={sys.executable}")
    own = tmp_path / "cluster.yaml"
    own.write_text(dump(load(SubmitConfig, CONF / "submit.yaml", overrides=overrides)))

    def call(verb: str, *line: str) -> SimpleNamespace:
        where = ["--cluster" if verb == "submit" else "--conf", str(own)]
        result = CliRunner().invoke(main, [verb, *where, *line])
        assert "Traceback" not in result.output, result.output
        return result

    return call


def index(workspace: Path) -> list[dict]:
    try:
        return DeltaTable(str(workspace / "feature_index")).to_pyarrow_table().to_pylist()
    except TableNotFoundError:
        return []


def own_file(workspace: Path, path: Path, *overrides: str) -> str:
    """A configuration of the user's, outside the program."""
    small = (f"workspace.root_url={workspace}", "frontend.name=sota-mel96")
    path.write_text(dump(load(FeaturesJob, CONF / "features.yaml", overrides=small + overrides)))
    return str(path)


def test_catalog_and_features_run_as_jobs_and_a_failing_job_says_so(head, run, tmp_path):
    music, workspace = tmp_path / "music", tmp_path / "ws"
    write_tones(music, num_tracks=4)
    reasons = write_broken(music)
    give_database(workspace)
    settings = ["--set", f"source={music}", "--workspace", str(workspace)]
    scanned = run("submit", "catalog", *settings)
    assert scanned.exit_code == 0, scanned.output
    assert "succeeded in" in scanned.stderr

    conf = own_file(workspace, tmp_path / "mine.yaml")
    made = run("submit", "features", "--conf", conf)
    assert made.exit_code == 0, made.output
    assert f"{4 + len(reasons)} rows committed now" in made.stdout
    assert Counter(row["status"] for row in index(workspace)) == {"ok": 4, "failed": len(reasons)}

    failing = run("submit", "tag", "--workspace", str(workspace), "--set", "scoring.models=[gone]")
    assert failing.exit_code == 1, failing.output
    assert "failed after" in failing.stderr
    assert "gone" in failing.stdout

    listed = json.loads(run("jobs", "--json", "--workspace", str(workspace)).stdout)
    assert [(job["verb"], job["status"]) for job in listed] == [
        ("tag", "FAILED"),
        ("features", "SUCCEEDED"),
        ("catalog", "SUCCEEDED"),
    ]

    plain = subprocess.run(
        [
            *(RAY, "job", "submit", "--address", head.address, "--working-dir", str(ROOT)),
            *("--", sys.executable, "-m", "jobs.features", conf),
        ],
        env=head.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert plain.returncode == 0, plain.stdout + plain.stderr
    assert "0 rows committed now" in plain.stdout


def test_a_job_is_attached_to_stopped_and_goes_on_without_rows_twice(run, tmp_path):
    music, workspace = tmp_path / "music", tmp_path / "ws"
    write_tones(music, num_tracks=NUM_TRACKS, seconds=2.0)
    give_database(workspace)
    catalog = CliRunner().invoke(main, ["catalog", str(music), "--workspace", str(workspace)])
    assert catalog.exit_code == 0, catalog.output
    few = ("runtime.num_actors=1", "runtime.file_tracks=2", "runtime.commit_every_s=0.05")
    conf = own_file(workspace, tmp_path / "mine.yaml", *few)

    first = run("submit", "features", "--conf", conf, "--detach")
    assert first.exit_code == 0, first.output
    (job,) = json.loads(run("jobs", "--json", "--workspace", str(workspace)).stdout)
    again = run("submit", "features", "--conf", conf, "--set", "runtime.num_actors=2", "--detach")
    assert f"{job['id']} on" in again.stderr
    assert "attached" in again.stderr

    deadline = time.monotonic() + 240
    while not index(workspace):
        assert time.monotonic() < deadline, run("logs", job["id"]).output
        time.sleep(0.02)
    stopped = run("stop", job["id"])
    assert stopped.exit_code == 0, stopped.output
    assert "was stopped" in stopped.stdout
    done = len(index(workspace))
    assert 0 < done < NUM_TRACKS, run("logs", job["id"]).output
    with sqlite3.connect(workspace / "mlflow.db") as database:
        assert [row[0] for row in database.execute("SELECT status FROM runs")] == ["KILLED"]

    resumed = run("submit", "features", "--conf", conf)
    assert resumed.exit_code == 0, resumed.output
    assert job["id"][:-1] + "2" in resumed.stderr
    assert f"{done:,} rows were there, {NUM_TRACKS - done:,} rows committed now" in resumed.stdout
    rows = index(workspace)
    assert len(rows) == NUM_TRACKS
    assert set(Counter(row["track_id"] for row in rows).values()) == {1}
    assert verify(str(workspace), storage=Storage(), memory_mb=256).holds


def test_another_token_is_refused_with_what_to_do(head: Head, run, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another-token")
    refused = run("jobs")
    assert refused.exit_code == 1
    assert "RAY_AUTH_TOKEN_PATH" in refused.output
    assert "another-token" not in refused.output
