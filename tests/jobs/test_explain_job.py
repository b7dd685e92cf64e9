from __future__ import annotations

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from toy import TOY_REFERENCE, write_toy
from tracking_database import give_database
from workspace import CONF, features_job, write_catalog, write_tones

from jobs.__main__ import main
from pipeline.stages.extract_catalog import extract_catalog

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
NUM_TRACKS = 3


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("explain-job")
    write_tones(root / "music", num_tracks=NUM_TRACKS)
    give_database(root)
    write_catalog(root, sorted((root / "music").iterdir()))
    extract_catalog(features_job(root, frontend="note-mel64"), run_id="run-features")
    write_toy(root)
    return root


def explain(root, *line):
    conf = ("--conf", str(CONF / "explain.yaml"), "--workspace", str(root))
    return CliRunner().invoke(main, ["explain", *conf, "--model", TOY_REFERENCE, *line])


def test_the_command_writes_a_page_and_a_tracked_run(workspace):
    result = explain(workspace, "--layer", "layer1:0,5", "--layer", "layer4", "--track", "t001")
    assert result.exit_code == 0, result.output
    assert f"explain: {NUM_TRACKS} tracks" in result.output
    (folder,) = (workspace / "explanations").iterdir()
    assert str(folder / "explanation.html") in result.output
    client = MlflowClient(f"sqlite:///{workspace}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'earmark'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["tracks"] == NUM_TRACKS
    logged = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {path.name for path in folder.iterdir()} | {"config.yaml"} == logged
    assert {"patches-layer1.png", "patches-layer4.png", "taggram.png"} < logged


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("--layer", "conv9"), "no layer 'conv9' to look at; there are layer1 (32 channels)"),
        (("--channels", "65"), "layer1 has 32 channels"),
        (("--track", "nowhere"), "no track 'nowhere' in the catalog"),
        (("music",), "'music' is no configuration"),
    ],
)
def test_a_mistake_is_answered_without_a_traceback(workspace, line, message):
    result = explain(workspace, *line)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
