"""The verbs evaluate and calibrate, from the command line to the files and the tracked run."""

from __future__ import annotations

import json

import mlflow
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_catalog, write_tones

from jobs.__main__ import main
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.schemas import CATALOG
from pipeline.storage import Storage

SPLITS = ("validation", "validation", "test", "test")
WRITTEN = {"evaluation.html", "evaluation.json", "tags.parquet", "precision_recall.png", "f1.png"}
KEPT = WRITTEN | {"card.md"}


def run(*line: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, list(line))
    assert result.exit_code == exit_code, result.output
    return result.output


def tracked_runs(root) -> list[mlflow.entities.Run]:
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{root}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "earmark"]
    return client.search_runs([experiment.experiment_id], order_by=["start_time"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, shared_ray):
    root = tmp_path_factory.mktemp("judged")
    write_tones(root / "music", num_tracks=8, seconds=2.5)
    give_database(root)
    write_catalog(root, sorted((root / "music").iterdir()))
    url = str(root / "catalog")
    rows = DeltaTable(url).to_pyarrow_table().to_pylist()
    for row in rows:
        number = int(row["track_id"][1:])
        row |= {
            "split": SPLITS[number % 4],
            "labels": ["test---high" if number % 2 else "test---low"],
        }
    write_deltalake(url, pa.Table.from_pylist(rows, schema=CATALOG), mode="overwrite")
    tone_bundle(str(root))
    return root, ("--conf", str(CONF / "evaluate.yaml"), "--workspace", str(root))


@pytest.mark.ray
def test_a_model_is_judged_and_the_report_and_the_run_hold_it(workspace, tmp_path):
    root, here = workspace
    text = run("evaluate", "--model", TONE_REFERENCE, *here, "--output", str(tmp_path / "out"))
    assert "on test: 4 tracks" in text
    assert {path.name for path in (tmp_path / "out").iterdir()} >= WRITTEN
    facts = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert facts["model"]["summary"]["roc_auc_macro"] == 1.0
    found = tracked_runs(root)[-1]
    assert found.data.metrics["roc_auc_macro"] == 1.0
    assert found.data.tags["earmark.verb"] == "evaluate"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{root}/mlflow.db")
    assert {file.path for file in client.list_artifacts(found.info.run_id)} >= KEPT
    card = run("models", "card", TONE_REFERENCE, "--workspace", str(root))
    assert "### test of all data sets, every chunk" in card
    assert "4 tracks, scored from audio" in card


@pytest.mark.ray
def test_a_calibrated_model_is_written_and_judged_at_its_thresholds(workspace):
    root, here = workspace
    name = ("--name", "sure")
    rule = ("--rule", "precision", "--at", "0.9")
    text = run("calibrate", TONE_REFERENCE, *rule, *name, *here)
    assert "thresholds by precision of at least 0.9" in text
    bundle, _ = read_bundle(bundle_url("trained:sure", root_url=str(root)), storage=Storage())
    assert f"trained:sure: {bundle.model_version}" in text
    assert "the bundle's own" in run("evaluate", "--model", "trained:sure", *here)
    card = (root / "models" / "trained" / "sure" / "card.md").read_text()
    assert "chosen by the rule precision of at least 0.9 on 4 tracks of the split validat" in card
    assert "### test of all data sets, every chunk" in card
    assert list((root / "evaluations").iterdir())


def test_calibration_on_test_and_a_rule_without_its_number_are_refused(tmp_path):
    here = ("--workspace", str(tmp_path), "--name", "x")
    text = run("calibrate", "trained:tone", *here, "--split", "test", exit_code=1)
    assert "never chosen on the split test" in text
    assert "needs at" in run("calibrate", "trained:tone", "--rule", "recall", *here, exit_code=1)


def test_saved_scores_are_judged_without_a_model(tmp_path):
    targets_N = np.arange(40) % 3
    scores_NK = 0.2 + 0.5 * np.eye(3)[targets_N]
    np.save(tmp_path / "scores.npy", scores_NK)
    np.save(tmp_path / "labels.npy", targets_N)
    (tmp_path / "tags.txt").write_text("bass\nflute\norgan\n")
    files = [f"--{name}={tmp_path / name}.npy" for name in ("scores", "labels")]
    text = run("evaluate", *files, f"--tags={tmp_path}/tags.txt", f"--workspace={tmp_path}/ws")
    assert "multiclass" in text
    assert "flute" in text
    folder = tmp_path / "ws" / "evaluations" / "scores"
    assert {path.name for path in folder.iterdir()} >= {"confusion.png", "evaluation.html"}
    assert tracked_runs(tmp_path / "ws")[-1].data.metrics["accuracy"] == 1.0


def test_scores_without_labels_are_refused(tmp_path):
    text = run("evaluate", "--scores=s.npy", f"--workspace={tmp_path}", exit_code=1)
    assert "both --scores FILE and --labels FILE" in text
