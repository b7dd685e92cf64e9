import numpy as np
import pytest
import torch
from golden_weights import golden_weights

from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.chunking import Domain
from pipeline.models.published import PUBLISHED, WIDE, add_published
from pipeline.models.published_sota import CHECKPOINTS, FILTER_KEY, LENGTHS, WINDOW_KEY
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage


@pytest.fixture
def checkpoint(shared) -> dict[str, torch.Tensor]:
    path = shared / "weights" / "sota-mtat" / "fcn.pth"
    return torch.load(path, weights_only=True, map_location="cpu")


@pytest.fixture
def add(tmp_path):
    """Imports weights as if they were the published file of a reference."""

    def adding(weights: object, *, reference: str = "sota:mtat/fcn"):
        path = tmp_path / "best_model.pth"
        torch.save(weights, path, _use_new_zipfile_serialization=False)
        root_url = str(tmp_path / "workspace")
        add_published(reference, root_url=root_url, storage=Storage(), source_file=path)
        return Tagger(*read_bundle(bundle_url(reference, root_url=root_url), storage=Storage()))

    return adding


def published_keys(architecture, golden, *, parameters=None):
    """A checkpoint as published: golden weights under the published keys, front end included."""
    weights = golden_weights(architecture, parameters=parameters)
    keys = golden("architectures")["cases"][architecture]["keys"]
    if WINDOW_KEY in keys:
        weights[WINDOW_KEY] = torch.hann_window(512)
        spec = FRONTENDS[PUBLISHED[f"sota:jamendo/{architecture}"].frontend]
        from pipeline.audio.frontend import _filters

        weights[FILTER_KEY] = _filters(spec)
    assert set(weights) == set(keys)
    return weights


def test_all_published_checkpoints_are_known():
    assert len(CHECKPOINTS) == 26
    assert ("mtat", "short_res") not in CHECKPOINTS
    assert sum(reference.startswith("sota:") for reference in PUBLISHED) == 26


@pytest.mark.parametrize("network", sorted(LENGTHS))
def test_a_checkpoint_in_the_published_layout_scores_as_the_published_code(
    network, add, golden, wave_16k
):
    case = golden("architectures")["cases"][network]
    tagger = add(published_keys(network, golden), reference=f"sota:jamendo/{network}")
    assert case["length"] == LENGTHS[network]
    scores = tagger.score_wave(wave_16k[: case["length"]])
    np.testing.assert_allclose(scores.scores_NK[0], case["output"], atol=1e-5)
    assert tagger.bundle.taxonomy.name == "jamendo50"


@pytest.mark.parametrize("network", sorted(LENGTHS))
def test_short_audio_and_long_audio_are_scored(network, add, golden, wave_16k):
    tagger = (
        add(published_keys(network, golden), reference=f"sota:msd/{network}")
        if (network != "musicnn")
        else add(published_keys(network, golden), reference="sota:mtat/musicnn")
    )
    for num_samples in (1, 16_000, len(wave_16k)):
        scores = tagger.score_wave(wave_16k[:num_samples])
        assert np.isfinite(scores.scores_NK).all()
        assert len(scores.starts_s) >= -(-num_samples // LENGTHS[network]) - 1


def test_the_wide_musicnn_is_that_of_the_million_song_dataset(add, golden):
    wide = {"num_tags": 50, **WIDE}
    tagger = add(published_keys("musicnn", golden, parameters=wide), reference="sota:msd/musicnn")
    assert sum(weight.numel() for weight in tagger.network.parameters()) == 7_972_000
    assert tagger.bundle.taxonomy.name == "msd50"
    with pytest.raises(ConfigError, match=r"layer1\.conv\.weight is float32\[64, 561, 7\] and"):
        add(published_keys("musicnn", golden), reference="sota:msd/musicnn")


@pytest.mark.parametrize("inside", ["models/mtat/fcn", "mtat/fcn"])
def test_a_copy_of_the_repository_is_searched(tmp_path, checkpoint, inside):
    file = tmp_path / inside / "best_model.pth"
    file.parent.mkdir(parents=True)
    torch.save(checkpoint, file)
    place = {"root_url": str(tmp_path / "workspace"), "storage": Storage()}
    bundle = add_published("sota:mtat/fcn", source_file=tmp_path, **place)
    assert bundle.architecture == "fcn"
    with pytest.raises(ConfigError, match=r"models/mtat/crnn/best_model\.pth: there is no"):
        add_published("sota:mtat/crnn", source_file=tmp_path, **place)


def test_the_front_end_is_checked_and_left_out(checkpoint, add):
    kept = add(checkpoint).network.state_dict()
    assert {key for key in checkpoint if key not in kept} == {WINDOW_KEY, FILTER_KEY}


def test_another_front_end_is_refused(checkpoint, add):
    other = checkpoint | {FILTER_KEY: checkpoint[FILTER_KEY] * 1.001}
    with pytest.raises(ConfigError, match="differs from front end sota-mel96"):
        add(other)
    with pytest.raises(ConfigError, match="is not that of front end sota-mel96"):
        add(checkpoint | {FILTER_KEY: torch.zeros(257, 128)})
    del checkpoint[FILTER_KEY]
    with pytest.raises(ConfigError, match=FILTER_KEY):
        add(checkpoint)


def test_missing_and_unexpected_keys_are_named_with_the_file(checkpoint, add):
    with pytest.raises(ConfigError, match=r"best_model\.pth is no checkpoint of crnn: missing lay"):
        add(checkpoint, reference="sota:mtat/crnn")
    with pytest.raises(ConfigError, match=r"of fcn: unexpected layer6\.bias$"):
        add(checkpoint | {"layer6.bias": torch.zeros(1)})
    del checkpoint["dense.bias"]
    with pytest.raises(ConfigError, match=r"of fcn: missing dense\.bias$"):
        add(checkpoint)


@pytest.mark.parametrize("data", [b"", b"no pickle", b"PK\x03\x04 no zip"])
def test_what_is_no_checkpoint_is_refused(tmp_path, data):
    path = tmp_path / "odd.pth"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"odd\.pth is not a PyTorch checkpoint"):
        add_published("sota:mtat/fcn", root_url="x", storage=Storage(), source_file=path)


def test_what_holds_no_weights_is_refused(add):
    with pytest.raises(ConfigError, match="holds a list"):
        add([1, 2])


def test_a_pickle_that_runs_code_is_not_run(add):
    class Malicious:
        def __reduce__(self):
            return exec, ("raise SystemExit",)

    with pytest.raises(ConfigError, match="not a PyTorch checkpoint"):
        add({"weight": Malicious()})


def test_waves_and_mels_are_cut_without_gaps():
    for reference, published in PUBLISHED.items():
        chunking = published.chunking
        assert chunking.hop <= chunking.length, reference
        if chunking.domain is Domain.WAVEFORM:
            assert chunking.hop % 256 == 0, reference
