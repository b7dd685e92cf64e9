"""The verb itself: run, killed, run again; and its model in MLflow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner
from learnable import learnable_workspace

from jobs.__main__ import main

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
TASK = (
    "task={name: tones, kind: multiclass, tags: null, category: tone, taxonomy: null, "
    "outside: refuse}"
)


def command(workspace, *overrides):
    line = [sys.executable, "-m", "jobs.train", str(ROOT / "conf" / "smoke" / "train.yaml")]
    settings = (f"workspace.root_url={workspace}", f"runtime.cache={workspace}/cache", TASK)
    for override in (*settings, *overrides):
        line += ["--set", override]
    return line


def start(workspace, *overrides):
    return subprocess.Popen(
        command(workspace, *overrides),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def epochs(output):
    """Number and figures of each epoch that was told, without its speed."""
    told = [line.rpartition(";")[0] for line in output.splitlines() if line.startswith("epoch ")]
    return [line for line in told if line]


@pytest.mark.slow
def test_a_killed_job_goes_on_with_the_same_command(tmp_path):
    whole = learnable_workspace(tmp_path / "whole")
    settings = ("recipe.epochs=40", "recipe.batch_tracks=4")
    undisturbed, _ = start(whole, *settings).communicate(timeout=240)
    killed = learnable_workspace(tmp_path / "killed")
    process = start(killed, *settings)
    states = lambda: list((killed / "training").glob("*/state.pt"))  # noqa: E731
    deadline = time.monotonic() + 120
    while not states():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    first, _ = process.communicate()
    second, _ = start(killed, *settings).communicate(timeout=240)
    assert len(epochs(second)) < 40, "it was killed too late to show anything"
    expected, told = epochs(undisturbed), epochs(first) + epochs(second)
    assert len(expected) == 40
    assert list(dict.fromkeys(told))[-len(epochs(second)) :] == expected[-len(epochs(second)) :]
    assert bundle_line(second) == bundle_line(undisturbed)


def bundle_line(output):
    (line,) = [line for line in output.splitlines() if line.startswith("trained:smoke is")]
    return line.partition(" (")[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workspace = learnable_workspace(tmp_path_factory.mktemp("trained"))
    output, _ = start(
        workspace, "recipe.epochs=3", "thresholds.rule=precision", "thresholds.at=0.9"
    ).communicate(timeout=240)
    assert "version 1 of models:/smoke" in output, output
    return workspace, output


def test_mlflow_has_the_settings_the_epochs_and_the_pictures(trained):
    workspace, output = trained
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{workspace}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("earmark").experiment_id])
    assert run.data.params["recipe.epochs"] == "3"
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [point.step for point in history] == [0, 1, 2]
    figures = {item.path for item in client.list_artifacts(run.info.run_id, "figures")}
    assert {"figures/loss.png", "figures/confusion.png", "figures/f1.png"} <= figures
    assert len(epochs(output)) == 3


def test_the_card_is_among_the_runs_files_and_in_the_version(trained):
    workspace, _ = trained
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{workspace}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("earmark").experiment_id])
    assert "card.md" in {item.path for item in client.list_artifacts(run.info.run_id)}
    card = (workspace / "models" / "trained" / "smoke" / "card.md").read_text()
    shown = CliRunner().invoke(
        main, ["models", "card", "models:/smoke/1", "--workspace", str(workspace)]
    )
    assert shown.output == card


def test_thresholds_are_shown_with_what_they_cost(trained):
    _, output = trained
    header = next(i for i, line in enumerate(output.splitlines()) if "threshold  prec" in line)
    rows = output.splitlines()[header + 1 : header + 4]
    assert [row.split()[5] for row in rows] == ["tone---high", "tone---low", "tone---middle"]


def test_a_fault_of_the_configuration_is_one_message(tmp_path):
    workspace = learnable_workspace(tmp_path)
    process = start(workspace, "recipe.batch_tracks=9")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "batch_tracks 9 is not a multiple of micro_batches 2" in output
    assert "Traceback" not in output
