import numpy as np
import pytest
import torch
from fakes import TONE_CHUNK_FRAMES, tone, tone_bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import Frontend
from pipeline.models import tagger as tagger_module
from pipeline.models.bundle import Domain, bundle_url, read_bundle
from pipeline.models.tagger import Tagger, TrackScores
from pipeline.storage import Storage

HOP = 256
CHUNK_SAMPLES = TONE_CHUNK_FRAMES * HOP


def tone_tagger(root_url, **kind) -> Tagger:
    url = bundle_url(tone_bundle(str(root_url), **kind), root_url=str(root_url))
    return Tagger(*read_bundle(url, storage=Storage()))


@pytest.fixture(scope="module")
def taggers(tmp_path_factory):
    """A tone tagger for every domain and tail."""
    return {
        (domain, tail): tone_tagger(
            tmp_path_factory.mktemp(f"{domain}-{tail}"), domain=domain, tail=tail
        )
        for domain in Domain
        for tail in Tail
    }


@pytest.mark.parametrize("domain", Domain)
@pytest.mark.parametrize("tail", [Tail.DROP, Tail.ALIGN])
def test_high_wins_for_4_khz_and_low_for_100_hz(taggers, domain, tail):
    tagger = taggers[domain, tail]
    high, low = (tagger.score_wave(tone(hz, duration_s=7)).mean_scores() for hz in (4_000.0, 100.0))
    assert high[0] > 0.9 > 0.1 > high[1]
    assert low[1] > 0.9 > 0.1 > low[0]


@pytest.mark.parametrize(
    ("tail", "starts"),
    [(Tail.DROP, [0, 125, 250]), (Tail.ALIGN, [0, 125, 250, 313]), (Tail.PAD, [0, 125, 250, 375])],
)
@pytest.mark.parametrize("domain", Domain)
def test_the_tail_is_treated_as_the_bundle_says(taggers, domain, tail, starts):
    wave_T = tone(1_000.0, duration_s=7)  # 438 frames
    if domain is Domain.WAVEFORM:  # a chunk has a frame more than its hop
        starts = [start - 1 if start == 313 else start for start in starts]
    scores = taggers[domain, tail].score_wave(wave_T)
    assert (scores.starts_s * 16_000 / HOP).round().astype(int).tolist() == starts


@pytest.mark.parametrize("domain", Domain)
@pytest.mark.parametrize("tail", Tail)
@settings(deadline=None, max_examples=25)
@given(num_samples=st.integers(1, 4 * CHUNK_SAMPLES))
def test_audio_and_stored_mel_have_the_same_chunks_and_all_scores_are_finite(
    taggers, domain, tail, num_samples
):
    tagger = taggers[domain, tail]
    wave_T = tone(1_000.0, duration_s=num_samples / 16_000)
    mel_MF = Frontend(tagger.bundle.frontend).mel(wave_T)
    from_wave, from_mel = tagger.score_wave(wave_T), tagger.score_mel(mel_MF.half())
    assert from_wave.starts_s.tolist() == from_mel.starts_s.tolist()
    assert len(from_wave.starts_s) == len(from_wave.scores_NK) == len(from_wave.embeddings_NE) > 0
    for scores in (from_wave, from_mel):
        assert np.isfinite(scores.scores_NK).all()
        assert np.isfinite(scores.embeddings_NE).all()


@pytest.mark.parametrize("domain", Domain)
def test_short_audio_is_repeated_not_padded(taggers, domain):
    tagger = taggers[domain, Tail.DROP]
    short = tagger.score_wave(tone(4_000.0, duration_s=0.5))
    long = tagger.score_wave(tone(4_000.0, duration_s=2))
    assert short.scores_NK.shape == (1, 2)
    # Silence after it would leave a quarter of the level.
    np.testing.assert_allclose(short.scores_NK, long.scores_NK, atol=0.01)


def test_an_aligned_chunk_ends_within_half_a_hop_of_the_end(taggers):
    tagger = taggers[Domain.WAVEFORM, Tail.ALIGN]
    for extra in (0, 1, 127, 128, 255):
        num_samples = 2 * CHUNK_SAMPLES + extra
        scores = tagger.score_wave(tone(1_000.0, duration_s=num_samples / 16_000))
        end = round(scores.starts_s[-1] * 16_000) + CHUNK_SAMPLES
        assert num_samples - HOP < end <= num_samples


@pytest.mark.parametrize("domain", Domain)
def test_scores_do_not_depend_on_how_many_chunks_go_together(taggers, domain, monkeypatch):
    tagger = taggers[domain, Tail.ALIGN]
    wave_T = np.random.default_rng(0).standard_normal(16_000 * 30).astype(np.float32)
    together = tagger.score_wave(wave_T)
    monkeypatch.setattr(tagger_module, "SECONDS_PER_FORWARD", 0.1)
    alone = tagger.score_wave(wave_T)
    assert len(alone.starts_s) > 10
    np.testing.assert_allclose(alone.scores_NK, together.scores_NK, atol=1e-5)
    np.testing.assert_allclose(alone.embeddings_NE, together.embeddings_NE, atol=1e-4)


def test_a_wave_and_its_stored_mel_score_the_same_in_the_frames_domain(tmp_path):
    tagger = tone_tagger(tmp_path, frontend="musicnn-mel96")
    wave_T = tone(1_000.0, duration_s=9)
    stored = Frontend(tagger.bundle.frontend).mel(wave_T).half()
    from_wave, from_mel = tagger.score_wave(wave_T), tagger.score_mel(stored.numpy())
    np.testing.assert_array_equal(from_wave.scores_NK, from_mel.scores_NK)


def test_a_tensor_and_an_array_are_both_waves(taggers):
    tagger = taggers[Domain.FRAMES, Tail.DROP]
    wave_T = tone(1_000.0, duration_s=3)
    array, tensor = tagger.score_wave(wave_T), tagger.score_wave(torch.from_numpy(wave_T))
    np.testing.assert_array_equal(array.scores_NK, tensor.scores_NK)


def test_a_tracks_score_is_the_mean_of_its_chunks():
    scores = TrackScores(
        starts_s=np.array([0.0, 1.0]),
        scores_NK=np.array([[0.0, 0.5], [1.0, 0.25]], dtype=np.float32),
        embeddings_NE=np.array([[1.0], [4.0]], dtype=np.float32),
    )
    assert scores.mean_scores().tolist() == [0.5, 0.375]
    assert scores.mean_embedding().tolist() == [2.5]
    assert scores.mean_scores().dtype == np.float32
