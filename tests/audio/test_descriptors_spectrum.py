from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from sounds import RATE_HZ, progression, sine

from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.audio.descriptors_spectrum import Spectrum, spectrum
from pipeline.audio.librosa_once import librosa

SPEC = DESCRIPTORS.spectrum
MUSIC_T = progression([(0, "maj"), (7, "maj"), (9, "min")], seconds=1.0)


@pytest.fixture(scope="module")
def frames():
    return spectrum(MUSIC_T, spec=SPEC, sample_rate=RATE_HZ)


def test_the_values_are_librosa_s(frames):
    sizes_BF = np.abs(librosa.stft(MUSIC_T, n_fft=SPEC.n_fft, hop_length=SPEC.hop_length))
    expected = {
        "centroid_F": librosa.feature.spectral_centroid(S=sizes_BF, sr=RATE_HZ)[0],
        "bandwidth_F": librosa.feature.spectral_bandwidth(S=sizes_BF, sr=RATE_HZ)[0],
        "rolloff_F": librosa.feature.spectral_rolloff(S=sizes_BF, sr=RATE_HZ)[0],
        "mel_MF": librosa.feature.melspectrogram(S=sizes_BF**2, sr=RATE_HZ, n_mels=SPEC.n_mels),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(frames, name), values, rtol=1e-3, atol=1e-6)


def test_blocks_leave_no_seam(frames, monkeypatch):
    monkeypatch.setattr("pipeline.audio.descriptors_spectrum.BLOCK_FRAMES", 10 * SPEC.tuning_step)
    again = spectrum(MUSIC_T, spec=SPEC, sample_rate=RATE_HZ)
    for name in {field.name for field in fields(Spectrum)} - {"partials", "contrast_CF"}:
        parted, whole = getattr(again, name), getattr(frames, name)
        np.testing.assert_allclose(parted, whole, rtol=2e-4, atol=1e-6)
    assert again.contrast_CF.shape == frames.contrast_CF.shape


def test_frames_are_as_many_as_hops_begin():
    for samples, expected in ((1, 1), (511, 1), (512, 2), (5_120, 11)):
        wave_T = np.ones(samples, np.float32)
        assert len(spectrum(wave_T, spec=SPEC, sample_rate=RATE_HZ).rms_F) == expected


def test_a_tone_s_centroid_is_its_frequency_and_brightness_begins_at_1500_hz():
    for hz, bright in ((1_000, 0.0), (3_000, 1.0)):
        found = spectrum(sine(hz, seconds=1, peak_dbfs=-6), spec=SPEC, sample_rate=RATE_HZ)
        inside = slice(5, -5)  # the ends click
        assert found.centroid_F[inside] == pytest.approx(hz, rel=0.01)
        assert found.bright_F[inside] == pytest.approx(bright, abs=1e-3)


def test_what_is_60_db_below_the_loudest_is_silence():
    parts = [sine(500, seconds=1, peak_dbfs=level) for level in (-6, -70, -50)]
    found = spectrum(np.concatenate(parts), spec=SPEC, sample_rate=RATE_HZ)
    heard_F = found.heard(SPEC)
    num_frames = round(RATE_HZ / SPEC.hop_length)
    for part, expected in enumerate((True, False, True)):
        middle = slice(part * num_frames + 5, (part + 1) * num_frames - 5)
        assert (heard_F[middle] == expected).all()


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="without samples"):
        spectrum(np.zeros(0, np.float32), spec=SPEC, sample_rate=RATE_HZ)
