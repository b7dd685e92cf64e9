"""Networks that read waves: the same scores from audio and from a stored wave."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS, shown
from pipeline.models.architectures import EMBEDDINGS, build
from pipeline.models.bundle import Bundle
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.tagger import Tagger
from pipeline.taxonomy import Taxonomy

LENGTHS = {"sample": 59_049, "se": 59_049, "hcnn": 80_000}
STORED = 0.002
"""A wave in float16 moves a score by less (seen: 0.0006 under random weights)."""


def tagger(architecture: str) -> Tagger:
    parameters = {"num_tags": 3, "num_channels": 8}
    torch.manual_seed(0)
    bundle = Bundle(
        name="waves",
        architecture=architecture,
        parameters=parameters,
        frontend=FRONTENDS["wave-16k"],
        chunking=Chunking(
            Domain.FRAMES, length=LENGTHS[architecture], hop=LENGTHS[architecture], tail=Tail.ALIGN
        ),
        taxonomy=Taxonomy("toy", ("a---x", "a---y", "a---z")),
        thresholds=None,
        embedding=EMBEDDINGS[architecture],
        licence="Apache-2.0",
        source="tests",
    )
    return Tagger(bundle, build(architecture, parameters=parameters).state_dict())


@pytest.mark.parametrize("architecture", LENGTHS)
@pytest.mark.parametrize("num_samples", [5_000, 100_000, 480_000])
def test_a_stored_wave_scores_as_the_audio(architecture, num_samples):
    network = tagger(architecture)
    wave_T = np.random.default_rng(0).normal(0, 0.1, num_samples).astype(np.float32)
    from_audio, from_wave = network.score_wave(wave_T), network.score_mel(wave_T[None])
    np.testing.assert_array_equal(from_audio.scores_NK, from_wave.scores_NK)
    chunks = max(1, -(-num_samples // LENGTHS[architecture]))
    assert from_audio.scores_NK.shape == (chunks, 3)
    stored = network.score_mel(wave_T[None].astype(np.float16))
    assert np.abs(stored.mean_scores() - from_audio.mean_scores()).max() < STORED


@pytest.mark.parametrize("architecture", ["sample", "se"])
def test_longer_chunks_than_the_published_are_taken(architecture):
    network = build(architecture, parameters={"num_tags": 3, "num_channels": 8}).eval()
    with torch.inference_mode():
        assert network(torch.randn(1, 1, 3 * 59_049)).logits_NK.shape == (1, 3)


def test_what_people_see_of_a_wave_is_a_mel():
    assert shown(FRONTENDS["wave-16k"]) == FRONTENDS["sota-mel96"]
    assert shown(FRONTENDS["note-mel64"]) == FRONTENDS["note-mel64"]
