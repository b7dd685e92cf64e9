from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from fakes import HIGH_HZ, LOW_HZ, TONE_TAGS, tone
from registered import MODEL, register_tone
from workspace import tag_job

from pipeline.errors import ConfigError
from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger
from pipeline.registry import Registry
from pipeline.storage import Storage

PREDICT = """
import sys
import mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/tones/1")
np.save(sys.argv[3], model.predict(np.load(sys.argv[2])))
assert not {"ray", "pipeline.training", "pipeline.stages"} & set(sys.modules)
"""


def open_registry(root):
    config = tag_job(root)
    return Registry(workspace=config.workspace, tracking=config.tracking)


def place(client):
    return client.get_model_version_download_uri(MODEL, "1").removeprefix("file://")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A workspace with two versions of a registered model, of which the first is the champion."""
    folder = tmp_path_factory.mktemp("workspace")
    assert register_tone(folder) == 1
    assert register_tone(folder, sign=0.5) == 2
    open_registry(folder).make_champion(MODEL, version=1)
    return folder


@pytest.fixture(scope="module")
def client(root):
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")


@pytest.mark.long
def test_another_process_loads_a_version_by_pyfunc_and_gets_the_taggers_scores(root, tmp_path):
    waves_NT = np.stack([tone(hz, duration_s=5) for hz in (HIGH_HZ, LOW_HZ, 1_000.0)])
    np.save(tmp_path / "waves.npy", waves_NT)
    files = [str(tmp_path / name) for name in ("waves.npy", "scores.npy")]
    subprocess.run(
        [sys.executable, "-c", PREDICT, f"sqlite:///{root / 'mlflow.db'}", *files],
        check=True,
        cwd=tmp_path,
    )
    url = open_registry(root).bundle_url(MODEL, version=1)
    tagger = Tagger(*read_bundle(url, storage=Storage()))
    expected_NK = [tagger.score_wave(wave_T).mean_scores() for wave_T in waves_NT]
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), expected_NK, rtol=0, atol=1e-6)


def test_a_version_holds_a_bundle_and_neither_code_nor_pickle(root, client):
    folder = Path(place(client))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in files if name.startswith("data/")} == {
        "data/bundle/bundle.json",
        "data/bundle/weights.safetensors",
    }
    assert {Path(name).suffix for name in files} <= {"", ".json", ".safetensors", ".txt", ".yaml"}
    assert (folder / "requirements.txt").read_text().split()[-1].startswith("earmark==")


def test_a_version_says_what_it_is_and_what_was_measured(root, client):
    version = client.get_model_version(MODEL, "1")
    bundle, _ = read_bundle(open_registry(root).bundle_url(MODEL, version=1), storage=Storage())
    assert version.tags["fingerprint"] == bundle.fingerprint
    assert version.tags["model_version"] == bundle.model_version
    assert version.tags["taxonomy_id"] == bundle.taxonomy.taxonomy_id
    assert json.loads(version.tags["tags"]) == list(TONE_TAGS)
    run = client.get_run(version.run_id)
    (logged,) = run.outputs.model_outputs
    (metric,) = client.get_logged_model(logged.model_id).metrics
    assert (metric.key, metric.value) == ("roc_auc_macro", 0.75)


def test_the_signature_takes_any_number_of_waves_of_any_length(client):
    model = mlflow.models.Model.load(place(client))
    assert [spec.shape for spec in model.signature.inputs] == [(-1, -1)]
    assert [spec.shape for spec in model.signature.outputs] == [(-1, 2)]
    example = model.load_input_example(place(client))
    assert example.shape == (1, 16_000)
    assert 0.3 < np.abs(example).max() <= 1


def test_versions_and_aliases_are_found(root):
    registry = open_registry(root)
    assert registry.newest(MODEL) == 2
    assert registry.aliases(MODEL) == {"champion": 1}


def test_a_bundle_is_copied_into_the_workspace_once(root):
    registry = open_registry(root)
    first, second = (registry.bundle_url(MODEL, version=version) for version in (1, 2))
    assert first != second
    assert Path(first).parent == root / "models" / "registered" / MODEL
    written = Path(first, "bundle.json").stat().st_mtime_ns
    assert registry.bundle_url(MODEL, version=1) == first
    assert Path(first, "bundle.json").stat().st_mtime_ns == written


def test_what_is_not_there_is_said(root, client):
    registry = open_registry(root)
    with pytest.raises(ConfigError, match="no registered model cakes: earmark train"):
        registry.aliases("cakes")
    with pytest.raises(ConfigError, match="no version of a registered model cakes"):
        registry.newest("cakes")
    with pytest.raises(ConfigError, match="tones has no version 9"):
        registry.bundle_url(MODEL, version=9)
    client.create_registered_model("foreign")
    client.create_model_version("foreign", source="file:///somewhere")
    with pytest.raises(ConfigError, match="version 1 of foreign holds no bundle"):
        registry.bundle_url("foreign", version=1)


def test_a_bundle_that_is_gone_is_said_with_its_place(root, client):
    made = client.create_model_version(
        MODEL, source=f"file://{root}/gone", tags={"fingerprint": "0" * 64}
    )
    with pytest.raises(ConfigError, match=r"gone/data/bundle/weights\.safetensors cannot be read"):
        open_registry(root).bundle_url(MODEL, version=int(made.version))


def test_files_that_are_not_the_registered_ones_are_refused(tmp_path):
    version = register_tone(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    there = mlflow.MlflowClient(tracking_uri=uri)
    folder = there.get_model_version_download_uri(MODEL, str(version)).removeprefix("file://")
    facts = Path(folder, "data", "bundle", "bundle.json")
    facts.write_text(facts.read_text().replace("test---high", "test---swap"))
    with pytest.raises(ConfigError, match="is not the one that was registered"):
        open_registry(tmp_path).bundle_url(MODEL, version=version)
    assert not (tmp_path / "models" / "registered" / MODEL).exists()


@pytest.mark.parametrize("fingerprint", ["", "/../../../..", "../" * 30, "0" * 63, "G" * 64])
def test_a_fingerprint_is_never_a_path(root, client, fingerprint):
    tags = {"fingerprint": fingerprint}
    made = client.create_model_version(MODEL, source=f"file://{root}/gone", tags=tags)
    with pytest.raises(ConfigError, match="holds no bundle"):
        open_registry(root).bundle_url(MODEL, version=int(made.version))
