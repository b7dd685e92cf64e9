from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation.plots import (
    band_centres_hz,
    bar_picture,
    mel_picture,
    taggram_picture,
)

BANDS = band_centres_hz(n_mels=96, f_min=0.0, f_max=8000.0, mel_scale="htk")


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def mel(mel_MF: np.ndarray) -> bytes:
    return mel_picture(mel_MF, hop_s=0.016, bands_hz=BANDS, title="a mel")


def taggram(num_chunks: int, num_tags: int, *, top: int = 10) -> bytes:
    scores = np.random.default_rng(0).random((num_chunks, num_tags)).astype(np.float32)
    names = [f"tag {k}" for k in range(num_tags)]
    return taggram_picture(np.arange(num_chunks) * 2.0, scores, tags=names, top=top, title="x")


def test_pictures_of_a_track_are_equally_wide():
    mel_MF = np.random.default_rng(0).normal(size=(96, 500))
    assert size(mel(mel_MF))[0] == size(taggram(20, 50))[0]


def test_what_is_heard_changes_the_picture():
    quiet, loud = np.full((96, 100), -80.0), np.full((96, 100), -80.0)
    loud[40:50, 30:60] = 0.0
    assert mel(quiet) != mel(loud)


def test_the_first_band_is_at_the_bottom():
    mel_MF = np.zeros((96, 200))
    mel_MF[:20] = 1.0
    pixels = np.asarray(Image.open(io.BytesIO(mel(mel_MF))).convert("L"), dtype=float)
    middle = pixels[:, pixels.shape[1] // 2]
    inside = np.flatnonzero(middle > 60)
    assert inside.mean() > len(middle) / 2


def test_bands_that_do_not_fit_the_mel_are_refused():
    with pytest.raises(ValueError, match="96 band centres for 64 bands"):
        mel(np.zeros((64, 10)))


@pytest.mark.parametrize("mel_MF", [np.zeros((96, 0)), np.zeros((96, 1)), np.full((96, 9), -80.0)])
def test_the_shortest_and_the_silent_mel_can_be_drawn(mel_MF):
    assert size(mel(mel_MF))[0] > 100


def test_a_taggram_grows_with_the_tags_that_are_shown():
    assert size(taggram(10, 50, top=20))[1] > size(taggram(10, 50, top=5))[1]
    assert size(taggram(10, 3, top=20)) == size(taggram(10, 3, top=3))


@pytest.mark.parametrize("num_chunks", [0, 1, 300])
def test_a_taggram_of_any_length_can_be_drawn(num_chunks):
    assert size(taggram(num_chunks, 5))[0] > 100


def test_bars_are_drawn_also_for_nothing_and_for_odd_names():
    assert size(bar_picture([("$a_b$", 3), ("ü", 0)], title="$x$", unit="tracks"))[0] > 100
    assert size(bar_picture([], title="none", unit="tracks"))[0] > 100


def test_threads_draw_the_same_as_one_alone():
    mel_MF = np.random.default_rng(0).normal(size=(96, 60))
    alone = mel(mel_MF)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(mel, [mel_MF] * 4)) == {alone}


@pytest.mark.parametrize(("mel_scale", "norm"), [("htk", None), ("slaney", "slaney")])
def test_band_centres_are_where_torchaudio_s_filters_peak(mel_scale, norm):
    functional = pytest.importorskip("torchaudio.functional")
    num_freqs, rate = 16_385, 16_000
    filters = functional.melscale_fbanks(num_freqs, 0.0, 8000.0, 96, rate, norm, mel_scale)
    peaks_hz = filters.argmax(0).numpy() * (rate / 2) / (num_freqs - 1)
    centres = band_centres_hz(n_mels=96, f_min=0.0, f_max=8000.0, mel_scale=mel_scale)
    np.testing.assert_allclose(centres, peaks_hz, atol=0.5)


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match="bark"):
        band_centres_hz(n_mels=2, f_min=0.0, f_max=1.0, mel_scale="bark")
