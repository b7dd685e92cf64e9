"""Two small networks side by side, with one command; the table is kept and stands in MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner
from learnable import learnable_workspace

from jobs.__main__ import main
from pipeline.stages.compare import read_comparisons
from pipeline.storage import Storage

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
CONF = Path(__file__).resolve().parents[2] / "conf" / "smoke" / "compare.yaml"


def run(root, *more: str):
    line = ["compare", str(CONF), "--workspace", str(root), "--set", f"training.cache={root}/cache"]
    return CliRunner().invoke(main, [*line, *more], catch_exceptions=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return learnable_workspace(tmp_path_factory.mktemp("compared"))


@pytest.fixture(scope="module")
def printed(root, shared_ray):
    result = run(root)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_network_is_trained_and_judged_on_the_same_tracks(root, printed):
    (found,) = read_comparisons(str(root), storage=Storage())
    assert {row.name for row in found.contenders} == {"linear", "note_cnn"}
    assert found.facts["judged on"] == "15 tracks of test"
    assert found.facts["without a model"].startswith("accuracy: majority 0.333")
    for row in found.contenders:
        assert row.epochs == 2
        assert min(row.train_chunks_a_second, row.chunks_a_second, row.times_real_time) > 0
        assert 0 <= row.metrics["accuracy"] <= 1
        assert row.intervals["accuracy"].low <= row.metrics["accuracy"]
    parameters = {row.name: row.parameters for row in found.contenders}
    assert parameters["linear"] == 64 * 3 + 3
    accuracies = [row.metrics["accuracy"] for row in found.contenders]
    assert accuracies == sorted(accuracies, reverse=True)
    assert "note_cnn" in printed
    assert "trained, chunks/s" in printed


def test_the_table_stands_in_mlflow_and_on_a_page(root, printed):
    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    (compared,) = [one for one in runs if "note_cnn/accuracy" in one.data.metrics]
    (found,) = read_comparisons(str(root), storage=Storage())
    assert compared.data.metrics["linear/parameters"] == 195
    assert compared.data.metrics["note_cnn/accuracy"] == pytest.approx(
        next(row for row in found.contenders if row.name == "note_cnn").metrics["accuracy"]
    )
    page = (root / "comparisons" / "networks" / "comparison.html").read_text()
    assert "Networks compared" in page
    assert "note-mel64" in page


def test_a_network_that_is_not_there_is_named_with_those_that_are(root):
    result = run(root, "--network", "resnet")
    assert result.exit_code == 1
    assert "--network resnet: comparison.networks has linear, note_cnn" in result.output
