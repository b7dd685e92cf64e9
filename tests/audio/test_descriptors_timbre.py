from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE_HZ, progression, sine

from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.audio.descriptors_spectrum import spectrum
from pipeline.audio.descriptors_timbre import timbre
from pipeline.audio.librosa_once import librosa

SPEC = DESCRIPTORS.spectrum
MUSIC_T = progression([(0, "maj"), (5, "maj")], seconds=1.0)


def described(wave_T):
    frames = spectrum(wave_T, spec=SPEC, sample_rate=RATE_HZ)
    return timbre(wave_T, frames, spec=SPEC, sample_rate=RATE_HZ)


def test_mfccs_are_the_means_of_librosa_s():
    expected = librosa.feature.mfcc(y=MUSIC_T, sr=RATE_HZ, n_mfcc=20)
    values = described(MUSIC_T)
    assert values["mfcc_mean"] == pytest.approx(expected.mean(1).tolist(), rel=0.02, abs=1.0)
    assert len(values["mfcc_std"]) == 20
    assert len(values["spectral_contrast_mean"]) == 7


def test_silence_around_music_changes_nothing_but_the_edges():
    gap = np.zeros(5 * RATE_HZ, np.float32)
    alone, within = described(MUSIC_T), described(np.concatenate([gap, MUSIC_T, gap]))
    for name in ("spectral_centroid_hz_mean", "spectral_bandwidth_hz_mean", "brightness_mean"):
        assert within[name] == pytest.approx(alone[name], rel=0.05, abs=0.002)


def test_zero_crossings_of_a_sine_are_twice_its_frequency():
    values = described(sine(440, seconds=2, peak_dbfs=-6))
    assert values["zero_crossings_hz"] == pytest.approx(880, abs=1)


def test_noise_is_flat_and_a_tone_is_not():
    noise_T = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert described(noise_T)["spectral_flatness_mean"] > 0.4
    assert described(sine(440, seconds=1, peak_dbfs=-6))["spectral_flatness_mean"] < 0.01


def test_silence_has_no_timbre():
    values = described(np.zeros(RATE_HZ, np.float32))
    assert values.keys() == described(MUSIC_T).keys()
    assert set(values.values()) == {None}
