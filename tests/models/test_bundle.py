import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fakes import TONE_REFERENCE, tone_bundle
from safetensors.torch import save_file

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.bundle import (
    Chunking,
    Domain,
    bundle_url,
    read_bundle,
    write_bundle,
)
from pipeline.models.head import Head, HeadKind
from pipeline.storage import Storage
from pipeline.taxonomy import Taxonomy

STORAGE = Storage()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good bundle of the tone tagger."""
    return Path(bundle_url(tone_bundle(str(tmp_path)), root_url=str(tmp_path)))


def change_json(folder: Path, **changes: object) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_names_are_below_root_and_paths_stand_for_themselves():
    assert bundle_url("musicnn:MTT_vgg", root_url="s3://b/r/") == "s3://b/r/models/musicnn/MTT_vgg"
    assert bundle_url("sota:mtat/fcn", root_url="/r") == "/r/models/sota/mtat/fcn"
    for itself in ("/some/folder", "folder", "s3://bucket/model", "file:///m"):
        assert bundle_url(itself, root_url="/r") == itself


def test_what_is_read_is_what_was_written(folder):
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    assert bundle.frontend == FRONTENDS["sota-mel96"]
    assert bundle.taxonomy == Taxonomy("tone", ("test---high", "test---low"))
    assert bundle.chunking == Chunking(Domain.FRAMES, length=125, hop=125, tail=Tail.ALIGN)
    assert bundle.thresholds == (0.5, 0.5)
    assert set(weights) == {"dense.weight", "dense.bias"}
    assert bundle.model_version == f"tone@{bundle.fingerprint[:12]}"


def test_a_folder_holds_json_and_safetensors_only(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "weights.safetensors"]


def test_reading_runs_no_code(folder, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a pickle was read")

    for module, name in (
        (torch, "load"),
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
    ):
        monkeypatch.setattr(module, name, refuse)
    read_bundle(str(folder), storage=STORAGE)


def test_weights_that_are_a_pickle_are_refused(folder):
    torch.save({"dense.weight": torch.zeros(2, 96)}, folder / "weights.safetensors")
    with pytest.raises(ConfigError, match="SHA-256"):
        read_bundle(str(folder), storage=STORAGE)


def test_writing_again_is_nothing_new_and_writing_another_is_refused(folder):
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    assert write_bundle(str(folder), storage=STORAGE, bundle=bundle, weights=weights) == bundle
    weights["dense.bias"] += 1
    with pytest.raises(ConfigError, match="another bundle is at"):
        write_bundle(str(folder), storage=STORAGE, bundle=bundle, weights=weights)
    assert read_bundle(str(folder), storage=STORAGE)[0] == bundle


def test_the_fingerprint_covers_what_changes_a_score_and_nothing_else(folder):
    bundle, _ = read_bundle(str(folder), storage=STORAGE)
    changed = [
        replace(bundle, architecture="fcn"),
        replace(bundle, parameters={"num_tags": 2, "n_mels": 128}),
        replace(bundle, frontend=FRONTENDS["musicnn-mel96"]),
        replace(bundle, chunking=replace(bundle.chunking, tail=Tail.DROP)),
        replace(bundle, chunking=replace(bundle.chunking, hop=100)),
        replace(bundle, taxonomy=Taxonomy("tone", ("test---low", "test---high"))),
        replace(bundle, weights_sha256="0"),
        replace(bundle, embedding="another"),
        replace(bundle, head=Head(HeadKind.SOFTMAX)),
        replace(bundle, thresholds=(0.5, 0.6)),
        replace(bundle, thresholds=None),
    ]
    prints = {one.fingerprint for one in changed} | {bundle.fingerprint}
    assert len(prints) == len(changed) + 1
    for same in (
        replace(bundle, name="other"),
        replace(bundle, licence="MIT", source="elsewhere"),
        replace(bundle, evaluation={"accuracy": 0.5}),
    ):
        assert same.fingerprint == bundle.fingerprint


def test_a_bundle_of_before_heads_is_the_same_tagger(folder):
    bundle, _ = read_bundle(str(folder), storage=STORAGE)
    tree = json.loads((folder / "bundle.json").read_text())
    del tree["head"], tree["evaluation"]
    (folder / "bundle.json").write_text(json.dumps(tree))
    assert read_bundle(str(folder), storage=STORAGE)[0] == bundle


def test_a_powerset_bundle_is_read_as_it_was_written(folder, tmp_path):
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    bundle = replace(bundle, head=Head(HeadKind.POWERSET, ((), (0, 1))))
    written = write_bundle(str(tmp_path / "sets"), storage=STORAGE, bundle=bundle, weights=weights)
    assert read_bundle(str(tmp_path / "sets"), storage=STORAGE)[0] == written
    broken = replace(bundle, head=Head(HeadKind.POWERSET, ((0,), (2,))))
    with pytest.raises(ConfigError, match="names a tag that is not one of the 2"):
        write_bundle(str(tmp_path / "no"), storage=STORAGE, bundle=broken, weights=weights)


def test_a_missing_bundle_says_how_to_get_one(tmp_path):
    url = bundle_url(TONE_REFERENCE, root_url=str(tmp_path))
    with pytest.raises(ConfigError, match=r"no model at .*earmark models add"):
        read_bundle(url, storage=STORAGE)


def test_missing_weights_are_a_missing_model(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"no model at .*weights\.safetensors"):
        read_bundle(str(folder), storage=STORAGE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"format": 2}, "format 2 is not read here"),
        ({"architecture": "resnet"}, "no architecture 'resnet'"),
        ({"parameters": {"num_tags": 2, "n_mels": "96"}}, "parameters.n_mels"),
        ({"parameters": {"num_tags": 2, "n_mels": 64}}, r"dense.weight is float32\[2, 96\]"),
        ({"thresholds": [0.5]}, "1 thresholds, 2 tags"),
        ({"taxonomy": {"name": "t", "tags": ["high", "low"]}}, "category---name"),
        ({"chunking": {"domain": "bars", "length": 1, "hop": 1, "tail": "drop"}}, "bars"),
        ({"chunking": {"domain": "frames", "length": 0, "hop": 1, "tail": "drop"}}, "length"),
        (
            {"chunking": {"domain": "waveform", "length": 1000, "hop": 1000, "tail": "drop"}},
            "not a multiple of the front end's 256",
        ),
        ({"frontend": {"name": "mine"}}, "front end"),
        ({"weights_sha256": "0"}, "SHA-256"),
        (
            {"taxonomy": {"name": "t", "tags": ["a---b"]}, "thresholds": None},
            "not the 1 of the head",
        ),
    ],
)
def test_a_wrong_bundle_is_refused_with_what_is_wrong(folder, changes, said):
    change_json(folder, **changes)
    with pytest.raises(ConfigError, match=said):
        read_bundle(str(folder), storage=STORAGE)


def test_a_file_that_is_no_json_is_refused(folder):
    (folder / "bundle.json").write_text("{")
    with pytest.raises(ConfigError, match=r"bundle\.json is not a bundle"):
        read_bundle(str(folder), storage=STORAGE)


def test_weights_of_another_network_are_refused_by_name(folder):
    import hashlib

    save_file({"dense.bias": torch.zeros(2)}, folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    change_json(folder, weights_sha256=digest)
    with pytest.raises(ConfigError, match=r"missing dense\.weight"):
        read_bundle(str(folder), storage=STORAGE)


def test_weights_that_do_not_fit_are_not_written(folder, tmp_path):
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    with pytest.raises(ConfigError, match="unexpected extra"):
        write_bundle(
            str(tmp_path / "new"),
            storage=STORAGE,
            bundle=bundle,
            weights=weights | {"extra": torch.zeros(1)},
        )
    assert not (tmp_path / "new").exists()
