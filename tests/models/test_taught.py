"""A taught head: the same scores from audio and from the stored embedding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import tone_bundle
from hypothesis import given
from hypothesis import strategies as st
from workspace import tone

from pipeline.config import Precision
from pipeline.errors import ConfigError
from pipeline.models.architectures import build
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.tagger import Tagger
from pipeline.models.taught import SUFFIX, head_scores
from pipeline.storage import Storage
from pipeline.taxonomy import Taxonomy


def taught(root, *, seed: int = 1):
    """A head of random weights on the tone tagger's embedding, for three tags."""
    tone_bundle(str(root))
    base, weights = read_bundle(bundle_url("trained:tone", root_url=str(root)), storage=Storage())
    num_embedding = weights["dense.weight"].shape[1]
    generator = torch.Generator().manual_seed(seed)
    head = {
        "head.weight": torch.randn(3, num_embedding, generator=generator) / 100,
        "head.bias": torch.randn(3, generator=generator),
    }
    made = replace(
        base,
        name="taught",
        architecture=base.architecture + SUFFIX,
        parameters=base.parameters
        | {"base_tags": base.parameters["num_tags"], "num_embedding": num_embedding, "num_tags": 3},
        taxonomy=Taxonomy("three", ("mood---a", "mood---b", "mood---c")),
        thresholds=None,
        base=base.scores_fingerprint,
    )
    return made, {f"base.{name}": value for name, value in weights.items()} | head


@pytest.mark.parametrize("precision", list(Precision))
def test_a_stored_embedding_gives_the_scores_of_the_audio(tmp_path, precision):
    bundle, weights = taught(tmp_path)
    wave_T = tone(300.0, seconds=7.3)
    found = Tagger(bundle, weights, precision=precision).score_wave(wave_T)
    stored_NE = found.mean_embedding()[None]
    parts = {"weight_KE": weights["head.weight"].numpy(), "bias_K": weights["head.bias"].numpy()}
    scores_K = head_scores(stored_NE, **parts)[0]
    assert np.array_equal(found.mean_scores(), scores_K)
    of_chunks_NK = head_scores(found.embeddings_NE, **parts)
    assert np.abs(found.scores_NK - of_chunks_NK).max() < 1e-5
    assert len(found.scores_NK) > 1


def test_a_taught_bundle_is_written_read_and_tells_its_base(tmp_path):
    bundle, weights = taught(tmp_path)
    url = bundle_url("taught:three.1", root_url=str(tmp_path))
    written = write_bundle(url, storage=Storage(), bundle=bundle, weights=weights)
    read, _ = read_bundle(url, storage=Storage())
    assert read == written
    assert read.base == bundle.base
    assert replace(read, base="").fingerprint != read.fingerprint


def test_a_taught_network_says_what_is_missing():
    with pytest.raises(ConfigError, match="base_tags, num_embedding is not given"):
        build("linear" + SUFFIX, parameters={"num_tags": 1, "n_mels": 96})


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 19))
def test_scores_do_not_depend_on_what_stands_beside_a_track(seed, cut):
    draw = np.random.default_rng(seed)
    embeddings_NE = draw.normal(size=(20, 64)).astype(np.float32)
    parts = {
        "weight_KE": draw.normal(size=(2, 64)).astype(np.float32),
        "bias_K": draw.normal(size=2).astype(np.float32),
    }
    whole_NK = head_scores(embeddings_NE, **parts)
    halves_NK = np.concatenate(
        [head_scores(embeddings_NE[:cut], **parts), head_scores(embeddings_NE[cut:], **parts)]
    )
    assert np.abs(whole_NK - halves_NK).max() < 1e-7
    assert ((whole_NK >= 0) & (whole_NK <= 1)).all()
