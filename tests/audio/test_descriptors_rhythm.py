from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sounds import RATE_HZ, clicks, sine

from pipeline.audio.descriptors_rhythm import autocorrelation, rhythm
from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.audio.descriptors_spectrum import spectrum
from pipeline.audio.librosa_once import librosa

SPEC = DESCRIPTORS.spectrum
FRAME_HZ = RATE_HZ / SPEC.hop_length


def found_in(wave_T):
    frames = spectrum(wave_T, spec=SPEC, sample_rate=RATE_HZ)
    mel_db_MF = librosa.power_to_db(frames.mel_MF)
    return rhythm(mel_db_MF, spec=DESCRIPTORS.rhythm, frame_hz=FRAME_HZ)


@pytest.mark.parametrize("bpm", [70, 84, 100, 120, 128, 150])
def test_clicks_have_their_tempo_and_beats(bpm):
    pulse = found_in(clicks(bpm, seconds=20))
    assert pulse.tempo_bpm == pytest.approx(bpm, rel=0.02)
    assert pulse.regularity > 0.7
    assert pulse.onset_hz == pytest.approx(bpm / 60, rel=0.06)
    known_s = np.arange(0, 20, 60 / bpm)
    beats_s = pulse.beats / FRAME_HZ
    assert mir_eval.beat.f_measure(known_s[2:-2], beats_s[1:-1]) > 0.9


def test_beats_that_wander_are_less_regular():
    choice = np.random.default_rng(1)
    wave_T = np.zeros(20 * RATE_HZ, np.float32)
    for start_s in np.sort(choice.uniform(0, 19.5, 40)):
        start = round(start_s * RATE_HZ)
        wave_T[start : start + 900] += clicks(60, seconds=1)[:900]
    wandering = found_in(wave_T).regularity or 0.0
    assert wandering < 0.5 * found_in(clicks(120, seconds=20)).regularity


@pytest.mark.parametrize(
    "wave_T",
    [
        sine(440, seconds=10, peak_dbfs=-6),
        clicks(120, seconds=2.5),
        np.random.default_rng(0).normal(0, 0.1, 20 * RATE_HZ).astype(np.float32),
        np.zeros(10 * RATE_HZ, np.float32),
    ],
    ids=["a held tone", "too short", "noise", "silence"],
)
def test_what_has_no_pulse_has_no_tempo(wave_T):
    pulse = found_in(wave_T)
    assert pulse.tempo_bpm is None
    assert pulse.regularity is None
    assert len(pulse.beats) == 0


def test_level_does_not_matter():
    loud, faint = (found_in(gain * clicks(95, seconds=15)) for gain in (2.0, 0.02))
    assert loud.tempo_bpm == faint.tempo_bpm
    np.testing.assert_array_equal(loud.beats, faint.beats)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, st.integers(4, 60), elements=st.floats(-10, 10, width=16)))
def test_autocorrelation_is_that_of_its_definition(values):
    found = autocorrelation(values, num_lags=12)
    assert len(found) == min(12, len(values) // 2 + 1)
    centred = values - values.mean()
    energy = (centred**2).mean()
    for lag, value in enumerate(found):
        term = (centred[lag:] * centred[: len(centred) - lag]).mean()
        assert value * energy == pytest.approx(term, abs=1e-6 + 1e-6 * energy)
