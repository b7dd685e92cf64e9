from __future__ import annotations

import json

import mlflow
import pytest
from workspace import tag_job

from pipeline.errors import ConfigError
from pipeline.tracking import tracked


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
