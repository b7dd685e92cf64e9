"""Promotion by the command itself, from audio to exit code."""

from __future__ import annotations

import mlflow
import pytest
from click.testing import CliRunner
from registered import MODEL, labelled_tones, register_tone
from workspace import CONF

from jobs.__main__ import main

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]


def run(*line: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(line))
    return result.exit_code, result.output


def test_a_worse_version_is_not_promoted_and_the_champion_tags_the_catalog(tmp_path):
    here = ("--workspace", str(tmp_path))
    line = ("promote", MODEL, "--conf", str(CONF / "promote.yaml"), *here)
    labelled_tones(tmp_path, num_test=4, num_train=2)
    register_tone(tmp_path)
    code, text = run(*line)
    assert code == 0, text
    assert "roc_auc_macro 1.000 on 4 tracks, with nothing to compare it with" in text

    register_tone(tmp_path, sign=-1)
    code, text = run(*line)
    assert code == 1, text
    assert "roc_auc_macro on 4 tracks: 1.000 before, 0.000 after" in text
    assert "not promoted: version 1 stays" in text
    assert "tags over the 4 tracks with scores of both: 8 would change" in text

    tag = ("tag", "--conf", str(CONF / "tag.yaml"), "--model", f"models:/{MODEL}@champion", *here)
    code, text = run(*tag)
    assert code == 0, text
    assert "2 rows committed now" in text
    code, text = run(*line, "--version", "1")
    assert code == 0, text
    assert "the views" not in text

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (found,) = client.search_runs(
        [client.get_experiment_by_name("earmark").experiment_id],
        "tags.`promotion.outcome` = 'not promoted'",
    )
    assert found.data.metrics["difference"] == -1
    assert found.data.metrics["tags_lost"] == 4


def test_a_person_is_told_what_is_wrong(tmp_path):
    code, text = run(
        "promote", "cakes", "--conf", str(CONF / "promote.yaml"), "--workspace", str(tmp_path)
    )
    assert code == 1
    assert "no registered model cakes: earmark train registers one" in text
