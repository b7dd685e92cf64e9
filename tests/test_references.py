from __future__ import annotations

from pathlib import Path

import pytest
from registered import MODEL, register_tone
from workspace import tag_job

from pipeline.errors import ConfigError
from pipeline.models.bundle import read_bundle
from pipeline.references import resolve, with_bundles
from pipeline.registry import Registry
from pipeline.storage import Storage


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    register_tone(folder)
    return folder


def resolved(root, reference):
    config = tag_job(root)
    return resolve(reference, workspace=config.workspace, tracking=config.tracking)


@pytest.mark.parametrize("reference", ["trained:tone", "/models/tone", "s3://bucket/tone"])
def test_other_references_stay_as_they_are(tmp_path, reference):
    assert resolved(tmp_path, reference) == reference
    assert not list(tmp_path.iterdir()), "no database was made"


def test_an_alias_names_the_folder_of_its_version_until_it_is_moved(root):
    registry = Registry(workspace=tag_job(root).workspace, tracking=tag_job(root).tracking)
    registry.make_champion(MODEL, version=1)
    before = resolved(root, f"models:/{MODEL}@champion")
    assert before == resolved(root, f"models:/{MODEL}/1")
    assert read_bundle(before, storage=Storage())[0].name == "tone"
    version = register_tone(root, sign=0.5)
    assert resolved(root, f"models:/{MODEL}@champion") == before
    registry.make_champion(MODEL, version=version)
    assert resolved(root, f"models:/{MODEL}@champion") != before


def test_a_jobs_models_are_resolved_and_the_rest_of_it_stays(root):
    config = tag_job(root, f"scoring.models=['trained:tone', 'models:/{MODEL}/1']")
    mapped = with_bundles(config)
    assert mapped.scoring.models[0] == "trained:tone"
    assert Path(mapped.scoring.models[1], "bundle.json").is_file()
    assert mapped.scoring.input == config.scoring.input
    assert mapped.runtime == config.runtime


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("models:/tones", "not of the form models:/NAME@ALIAS"),
        ("models:/tones/newest", "not of the form"),
        ("models:/cakes@champion", "no registered model cakes"),
        ("models:/tones@best", r"no such alias .*earmark promote tones.* models:/tones/\d"),
        ("models:/tones/99", "no version 99"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_to_do(root, reference, message):
    with pytest.raises(ConfigError, match=message):
        resolved(root, reference)
