from dataclasses import replace

import numpy as np
import pytest
from tensorflow_file import checkpoint

from pipeline.errors import ConfigError
from pipeline.models import published, tagger
from pipeline.models.architectures import build
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.musicnn_original import TENSORFLOW_NAMES
from pipeline.models.published import BIG, PUBLISHED, WIDE, add_published
from pipeline.storage import Storage

MUSICNN = ["MTT_musicnn", "MTT_vgg", "MSD_musicnn", "MSD_vgg"]
SOTA = ["mtat/fcn", "mtat/crnn", "mtat/musicnn"]
WIDE_PARAMETERS = 7_980_235
STORED_TOLERANCE = {"mtat/fcn": 0.002, "mtat/crnn": 0.001, "mtat/musicnn": 0.01}


def test_all_that_is_published_is_tried_here():
    musicnn = {name for name in PUBLISHED if name.startswith("musicnn:")}
    assert musicnn == {f"musicnn:{name}" for name in MUSICNN} | {BIG}
    assert {name for name in PUBLISHED if name.startswith("sota:mtat/")} >= {
        f"sota:{name}" for name in SOTA
    }


@pytest.mark.parametrize("name", MUSICNN)
def test_a_checkpoint_of_the_wheel_gives_the_published_scores(
    name, published_tagger, golden, wave_16k
):
    case = golden("musicnn_wheel")["cases"][name]
    scores = published_tagger(f"musicnn:{name}").score_wave(wave_16k)
    assert scores.scores_NK.shape == (10, 50)
    np.testing.assert_allclose(scores.scores_NK[0], case["first_patch"], atol=1e-5)
    np.testing.assert_allclose(scores.mean_scores(), case["mean"], atol=1e-5)
    assert scores.mean_embedding().shape == ((256,) if "vgg" in name else (753,))


@pytest.mark.parametrize("name", SOTA)
def test_a_checkpoint_of_sota_gives_the_published_scores(name, published_tagger, golden, wave_16k):
    case = golden("published_mtat")["cases"][name]
    scores = published_tagger(f"sota:{name}").score_wave(wave_16k[: case["length"]])
    np.testing.assert_allclose(scores.scores_NK, [case["output"]], atol=1e-5)


@pytest.mark.parametrize("name", SOTA)
def test_the_stored_mel_scores_within_the_stated_tolerance(name, published_tagger, wave_16k):
    loaded = published_tagger(f"sota:{name}")
    mel_MF = tagger.Frontend(loaded.bundle.frontend).mel(wave_16k)
    from_wave, from_mel = loaded.score_wave(wave_16k), loaded.score_mel(mel_MF.half())
    assert from_wave.starts_s.tolist() == from_mel.starts_s.tolist()
    difference = np.abs(from_wave.mean_scores() - from_mel.mean_scores()).max()
    assert 0 < difference < STORED_TOLERANCE[name]


@pytest.mark.parametrize(
    "reference", ["musicnn:MTT_musicnn", "musicnn:MTT_vgg", "sota:mtat/musicnn"]
)
def test_scores_do_not_depend_on_how_many_chunks_go_together(
    reference, published_tagger, wave_16k, monkeypatch
):
    loaded = published_tagger(reference)
    together = loaded.score_wave(wave_16k[: 16_000 * 12])
    monkeypatch.setattr(tagger, "SECONDS_PER_FORWARD", 0.1)
    alone = loaded.score_wave(wave_16k[: 16_000 * 12])
    np.testing.assert_allclose(alone.scores_NK, together.scores_NK, atol=1e-5)


def test_sixteen_chunks_are_those_of_the_published_evaluation(published_tagger, wave_16k):
    """hop = (length - input_length) // 16 in samples, the mean of 16 sigmoid vectors."""
    dense = published_tagger("sota:mtat/musicnn")
    bundle = replace(dense.bundle, chunking=replace(dense.bundle.chunking, count=16))
    sixteen = tagger.Tagger(bundle, dense.network.state_dict())
    hop = (len(wave_16k) - 48_000) // 16
    scores = sixteen.score_wave(wave_16k)
    np.testing.assert_allclose(scores.starts_s, np.arange(16) * hop / 16_000)
    alone = [dense.score_wave(wave_16k[i * hop :][:48_000]).scores_NK[0] for i in range(16)]
    np.testing.assert_allclose(scores.mean_scores(), np.mean(alone, axis=0), atol=1e-6)
    mel_MF = tagger.Frontend(bundle.frontend).mel(wave_16k)
    from_mel = sixteen.score_mel(mel_MF.half())
    assert np.abs(from_mel.starts_s - scores.starts_s).max() <= 256 / 16_000
    assert np.abs(from_mel.mean_scores() - scores.mean_scores()).max() < 0.01


def test_an_unknown_reference_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"'musicnn:big'; known are musicnn:MTT_musicnn, "):
        add_published("musicnn:big", root_url=str(tmp_path), storage=Storage())


def test_a_tagger_without_a_package_asks_for_its_file(tmp_path):
    with pytest.raises(ConfigError, match="that repository, with --from FILE"):
        add_published("sota:mtat/fcn", root_url=str(tmp_path), storage=Storage())
    with pytest.raises(ConfigError, match="there is no such file"):
        add_published(
            "sota:mtat/fcn", root_url=str(tmp_path), storage=Storage(), source_file=tmp_path / "no"
        )


@pytest.fixture
def repository(tmp_path):
    """A copy of musicnn's repository whose widest model has random weights."""
    network = build("musicnn_original", parameters={"num_tags": 50, **WIDE})
    leaves = {"weight": "gamma", "bias": "beta"}
    leaves |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
    variables = {}
    for key, value in network.state_dict().items():
        module, _, leaf = key.rpartition(".")
        if leaf != "num_batches_tracked":
            name = leaves[leaf] if module.endswith("bn") else leaf.replace("weight", "kernel")
            axes = value.permute(*range(value.ndim)[::-1]).contiguous().numpy()
            if "conv2d" in TENSORFLOW_NAMES[module] and axes.ndim == 3:
                axes = axes[:, :, None, :]
            variables[f"{TENSORFLOW_NAMES[module]}/{name}"] = axes
    folder = tmp_path / "clone" / "musicnn" / "MSD_musicnn_big"
    folder.mkdir(parents=True)
    index, data = checkpoint(variables)
    (folder / ".index").write_bytes(index)
    (folder / ".data-00000-of-00001").write_bytes(data)
    return tmp_path / "clone", network


def test_the_widest_musicnn_is_read_from_a_copy_of_its_repository(repository, tmp_path):
    clone, network = repository
    place = {"root_url": str(tmp_path), "storage": Storage()}
    add_published(BIG, source_file=clone, **place)
    _, weights = read_bundle(bundle_url(BIG, root_url=str(tmp_path)), storage=Storage())
    assert sum(value.numel() for value in network.parameters()) == WIDE_PARAMETERS
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(weights[key], value)
    with pytest.raises(ConfigError, match="is not in the wheel: get a copy of"):
        add_published(BIG, **place)
    with pytest.raises(ConfigError, match=r"MTT_vgg/\.index: there is no such file"):
        add_published("musicnn:MTT_vgg", source_file=clone, **place)


def test_the_wheel_is_downloaded_when_no_file_is_given(tmp_path, wheel, monkeypatch):
    monkeypatch.setattr(published, "download_wheel", wheel.read_bytes)
    bundle = add_published("musicnn:MSD_vgg", root_url=str(tmp_path), storage=Storage())
    assert bundle.taxonomy.name == "msd50"
    assert bundle.licence == "ISC"
    folder = tmp_path / "models/musicnn/MSD_vgg"
    assert sorted(path.name for path in folder.iterdir()) == [
        "bundle.json",
        "card.md",
        "weights.safetensors",
    ]
    card = (folder / "card.md").read_text()
    assert "`vgg`, 605,748 parameters" in card
    assert "train 201,680, validation 11,774, test 28,435 tracks" in card
    assert "| roc_auc_macro | 0.8768 | 28,435 |" in card
