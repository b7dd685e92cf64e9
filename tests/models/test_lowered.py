"""Faster arithmetic stays within the tolerance that README states, for every network."""

import numpy as np
import pytest
import torch
from golden_weights import golden_weights
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS, Frontend
from pipeline.config import Precision, TagInput
from pipeline.models.architectures import ARCHITECTURES, build
from pipeline.models.bundle import Bundle
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.lowered import NORM_FOLLOWS, folded, lowered, rounded
from pipeline.models.published_sota import FRONTENDS as PUBLISHED_FRONTENDS
from pipeline.models.scoring import scoring_id
from pipeline.models.tagger import Tagger
from pipeline.taxonomy import Taxonomy

TOLERANCE = 0.005
LENGTHS = {"sample": 59_049, "se": 59_049, "hcnn": 80_000, "fcn": 464_000, "attention": 240_000}
LEAST_SECONDS = 4


@pytest.fixture(scope="module")
def signal():
    """Beats, a rising tone and noise."""
    times_s = np.arange(30 * 16_000) / 16_000
    rng = np.random.default_rng(0)
    beats = np.exp(-8 * np.mod(times_s, 0.5)) * rng.standard_normal(len(times_s))
    return (0.2 * beats + 0.2 * np.sin(2 * np.pi * (200 + 60 * times_s) * times_s)).astype("f4")


@pytest.mark.parametrize("architecture", sorted(PUBLISHED_FRONTENDS))
def test_a_network_scores_within_the_tolerance_in_bfloat16(architecture, signal):
    spec = FRONTENDS[PUBLISHED_FRONTENDS[architecture]]
    length = LENGTHS.get(architecture, 59_049)
    bundle = Bundle(
        name="golden",
        architecture=architecture,
        parameters={"num_tags": 50},
        frontend=spec,
        chunking=Chunking(Domain.WAVEFORM, length=length, hop=length, tail=Tail.ALIGN),
        taxonomy=Taxonomy("golden", tuple(f"test---{i}" for i in range(50))),
        thresholds=None,
        embedding="dense",
        licence="ISC",
        source="tests",
    )
    weights = golden_weights(architecture)
    wave_T = signal[: max(length, LEAST_SECONDS * 16_000)]
    exact = Tagger(bundle, weights).score_wave(wave_T)
    fast = Tagger(bundle, weights, precision=Precision.BFLOAT16).score_wave(wave_T)
    assert fast.scores_NK.dtype == fast.embeddings_NE.dtype == np.float32
    moved = np.abs(fast.mean_scores() - exact.mean_scores()).max()
    assert 0 < moved < TOLERANCE
    distance = np.linalg.norm(fast.mean_embedding() - exact.mean_embedding())
    assert distance < 0.02 * np.linalg.norm(exact.mean_embedding())


@pytest.mark.parametrize("reference", ["MTT_musicnn", "MTT_vgg", "MSD_musicnn", "MSD_vgg"])
def test_a_published_tagger_scores_within_the_tolerance(published_tagger, wave_16k, reference):
    exact = published_tagger(f"musicnn:{reference}")
    weights = exact.network.state_dict()
    fast = Tagger(exact.bundle, weights, precision=Precision.BFLOAT16)
    scores, expected = fast.score_wave(wave_16k), exact.score_wave(wave_16k)
    assert np.abs(scores.mean_scores() - expected.mean_scores()).max() < TOLERANCE


def test_batches_do_not_move_a_bfloat16_score_beyond_the_tolerance(published_tagger, wave_16k):
    exact = published_tagger("musicnn:MTT_musicnn")
    weights = exact.network.state_dict()
    fast = Tagger(exact.bundle, weights, precision=Precision.BFLOAT16)
    whole = fast.score_wave(wave_16k[: 6 * 48_000])
    alone = fast.score_wave(wave_16k[:48_000])
    np.testing.assert_allclose(whole.scores_NK[0], alone.scores_NK[0], atol=TOLERANCE)


@pytest.mark.parametrize("architecture", ["fcn", "crnn", "short_res", "se", "hcnn", "note_cnn"])
def test_folding_changes_rounding_alone(architecture):
    network = build(architecture, parameters={"num_tags": 4}).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, -1.5, 1.5)
    name = "note-mel64" if architecture == "note_cnn" else PUBLISHED_FRONTENDS[architecture]
    frontend = Frontend(FRONTENDS[name])
    length = LENGTHS.get(architecture, 64_000)
    wave_1T = 0.1 * torch.randn(1, length, generator=torch.Generator().manual_seed(1))
    mel_NMF = frontend.network_input(frontend.mel_chunks(wave_1T))
    with torch.inference_mode():
        expected, found = network(mel_NMF), folded(network)(mel_NMF)
    torch.testing.assert_close(found.logits_NK, expected.logits_NK, atol=1e-4, rtol=1e-4)


def test_every_block_that_can_be_folded_is_known():
    """A block with a convolution and a batch norm is in the list, or has a ReLU between."""
    between = {"VggBlock", "BandMaxConv", "TimeConv", "VerticalConv"}
    kinds = set()
    for architecture in set(ARCHITECTURES) - {"linear"}:
        for module in build(architecture, parameters={"num_tags": 2}).modules():
            children = dict(module.named_children())
            if {"conv", "bn"} <= set(children) or {"conv_1", "bn_1"} <= set(children):
                kinds.add(type(module).__name__)
    assert kinds == between | {kind.__name__ for kind in NORM_FOLLOWS}


@given(st.integers(0, 10_000))
def test_rounding_keeps_the_sums_of_a_filter_and_gives_numbers_of_bfloat16(seed):
    weight = torch.randn(3, 2, 5, 7, generator=torch.Generator().manual_seed(seed))
    found = rounded(weight)
    assert torch.equal(found, found.bfloat16().float())
    step = 2.0**-7 * weight.abs().amax()
    assert (found - weight).abs().max() <= step
    sums = found.flatten(1).cumsum(1) - weight.flatten(1).cumsum(1)
    assert sums.abs().max() <= step


def test_the_network_that_is_lowered_stays_as_it_was():
    network = build("short", parameters={"num_tags": 2, "num_channels": 4}).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    lowered(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_another_precision_is_another_scoring(published_tagger):
    bundle = published_tagger("musicnn:MTT_musicnn").bundle
    exact = scoring_id(bundle, source=TagInput.AUDIO)
    assert scoring_id(bundle, source=TagInput.AUDIO, precision=Precision.FLOAT32) == exact
    assert scoring_id(bundle, source=TagInput.AUDIO, precision=Precision.BFLOAT16) != exact
