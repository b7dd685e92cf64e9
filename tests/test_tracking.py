from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import mlflow
import pytest
from tracking_database import give_database
from workspace import tag_job

from pipeline.errors import ConfigError
from pipeline.tracking import NUMBERS_PER_BATCH, tracked


def runs(root):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("earmark")
    return client, client.search_runs([experiment.experiment_id])


def test_a_run_keeps_its_configuration_numbers_and_summary(tmp_path):
    config = tag_job(tmp_path)
    with tracked(config, verb="tag", root_url=str(tmp_path), tracking=config.tracking) as run:
        run.metrics({"ok": 3, "failed_empty": 1})
        run.summary({"plans": {"s": "p"}})
    client, (found,) = runs(tmp_path)
    assert found.info.run_id == run.run_id
    assert found.info.status == "FINISHED"
    assert found.data.params["scoring.input"] == "audio"
    assert found.data.params["workspace.root_url"] == str(tmp_path)
    assert found.data.metrics == {"ok": 3.0, "failed_empty": 1.0}
    assert {item.path for item in client.list_artifacts(run.run_id)} == {
        "config.yaml",
        "summary.json",
    }
    text = mlflow.artifacts.load_text(f"{found.info.artifact_uri}/summary.json")
    assert json.loads(text) == {"plans": {"s": "p"}}


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("boom"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_does_not_end_well_says_so(tmp_path, error, status):
    give_database(tmp_path)
    config = tag_job(tmp_path)
    with (
        pytest.raises(type(error)),
        tracked(config, verb="tag", root_url=str(tmp_path), tracking=config.tracking),
    ):
        raise error
    _, (found,) = runs(tmp_path)
    assert found.info.status == status


def test_a_remote_workspace_needs_a_tracking_server(tmp_path):
    config = tag_job(tmp_path)
    with (
        pytest.raises(ConfigError, match=r"tracking\.uri"),
        tracked(config, verb="tag", root_url="s3://bucket/x", tracking=config.tracking),
    ):
        pass


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory):
    """A workspace whose database is made once: that takes seconds."""
    return tmp_path_factory.mktemp("workspace")


def last_run(root):
    client, found = runs(root)
    return client, found[0]


def test_numbers_of_an_epoch_keep_their_step_and_odd_names_are_mended(shared_root):
    config = tag_job(shared_root)
    with tracked(config, verb="train", root_url=str(shared_root), tracking=config.tracking) as run:
        for epoch in range(3):
            run.metrics({"loss": 1 / (epoch + 1), "f1/genre---r&b": 0.5}, step=epoch)
        run.metrics({f"m{i}": i for i in range(NUMBERS_PER_BATCH + 1)})
        run.tag("outcome", "kept")
    client, found = last_run(shared_root)
    history = client.get_metric_history(run.run_id, "loss")
    assert [(item.step, item.value) for item in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert found.data.metrics["f1/genre---r_b"] == 0.5
    assert found.data.metrics[f"m{NUMBERS_PER_BATCH}"] == NUMBERS_PER_BATCH
    assert found.data.tags["outcome"] == "kept"


def test_pictures_and_files_come_back_as_they_were(shared_root):
    config = tag_job(shared_root)
    with tracked(config, verb="train", root_url=str(shared_root), tracking=config.tracking) as run:
        run.picture("figures/confusion.png", b"\x89PNG")
        run.file("scores.bin", b"\0\1")
    folder = mlflow.artifacts.download_artifacts(
        run_id=run.run_id,
        dst_path=str(shared_root / "copy"),
        tracking_uri=f"sqlite:///{shared_root / 'mlflow.db'}",
    )
    assert Path(folder, "figures", "confusion.png").read_bytes() == b"\x89PNG"
    assert Path(folder, "scores.bin").read_bytes() == b"\0\1"


def watchers():
    return sum(thread.name == "SystemMetricsMonitor" for thread in threading.enumerate())


def test_the_machine_is_watched_while_asked_for_and_no_longer(shared_root):
    config = tag_job(shared_root)
    with tracked(config, verb="train", root_url=str(shared_root), tracking=config.tracking) as run:
        with run.system_metrics(interval_s=0.05):
            assert watchers() == 1
            time.sleep(0.5)
        assert watchers() == 0
    _, found = last_run(shared_root)
    assert 0 < found.data.metrics["system/system_memory_usage_percentage"] <= 100
    assert 0 <= found.data.metrics["system/cpu_utilization_percentage"] <= 100
