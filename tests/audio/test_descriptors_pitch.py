from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE_HZ, note, progression, sine

from pipeline.audio.descriptors_pitch import pitch_range, pitches, tuning_of
from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.audio.descriptors_spectrum import spectrum

SPEC = DESCRIPTORS.tonal


def pitches_of(wave_T, *, tuning: float = 0.0):
    return pitches(wave_T, spec=SPEC, sample_rate=RATE_HZ, tuning=tuning)


@pytest.mark.parametrize("midi", [36, 57, 69, 84])
def test_a_note_is_loudest_at_its_pitch_and_is_the_whole_range(midi):
    pitch_PG = pitches_of(note(midi, seconds=3))
    assert SPEC.lowest_midi + int(pitch_PG.mean(1).argmax()) == midi
    assert pitch_range(pitch_PG, spec=SPEC) == (midi, midi)


def test_a_melody_has_its_lowest_and_highest_note():
    wave_T = np.concatenate([note(midi, seconds=0.5) for midi in (60, 64, 55, 67, 72, 62)])
    assert pitch_range(pitches_of(wave_T), spec=SPEC) == (55, 72)


@pytest.mark.parametrize("cents", [-30, 0, 20])
def test_the_tuning_is_found_and_taken_out(cents):
    wave_T = np.concatenate([note(m + cents / 100, seconds=1) for m in (60, 64, 67, 65)])
    frames = spectrum(wave_T, spec=DESCRIPTORS.spectrum, sample_rate=RATE_HZ)
    tuning = tuning_of(frames.partials)
    assert 100 * tuning == pytest.approx(cents, abs=8)
    pitch_PG = pitches_of(wave_T, tuning=tuning)
    second = slice(3, 8)
    assert SPEC.lowest_midi + int(pitch_PG[:, second].mean(1).argmax()) == 60


def test_without_partials_the_tuning_is_440_hz():
    assert tuning_of(np.zeros(0, np.float32)) == 0.0


def test_blocks_leave_no_seam(monkeypatch):
    wave_T = progression([(0, "maj"), (9, "min"), (5, "maj"), (7, "maj")], seconds=1.5)
    whole_PG = pitches_of(wave_T)
    monkeypatch.setattr("pipeline.audio.descriptors_pitch.BLOCK_COLUMNS", 20)
    parted_PG = pitches_of(wave_T)
    assert parted_PG.shape == whole_PG.shape == (84, len(wave_T) // SPEC.hop_length + 1)
    assert np.abs(parted_PG - whole_PG).max() < 0.01 * whole_PG.max()


def test_a_sine_at_the_top_and_a_moment_of_sound_are_taken():
    assert pitches_of(sine(3_900, seconds=0.05, peak_dbfs=-6)).shape == (84, 1)
