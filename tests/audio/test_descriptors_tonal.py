from __future__ import annotations

import itertools

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE_HZ, chord, note, progression

from pipeline.audio.descriptors_pitch import pitches
from pipeline.audio.descriptors_spec import CHORDS, DESCRIPTORS, NO_CHORD, PITCH_CLASSES
from pipeline.audio.descriptors_tonal import chord_path, chord_values, chroma, key

SPEC = DESCRIPTORS.tonal
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
HOP_S = SPEC.hop_length / RATE_HZ


def chroma_of(wave_T):
    return chroma(pitches(wave_T, spec=SPEC, sample_rate=RATE_HZ, tuning=0.0), spec=SPEC)


@pytest.mark.parametrize("root", range(12))
@pytest.mark.parametrize("quality", ["maj", "min"])
def test_a_triad_is_its_chord(root, quality):
    path_G = chord_path(chroma_of(chord(root, quality, seconds=2.0)), spec=SPEC)
    values = chord_values(path_G, duration_s=2.0)
    assert values["chord"] == f"{PITCH_CLASSES[root]}:{quality}"
    assert max(values["chords"]) > 0.9
    assert sum(values["chords"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("tonic", "mode"), [(0, "major"), (0, "minor"), (7, "major"), (9, "minor"), (6, "major")]
)
def test_a_scale_that_ends_on_its_tonic_and_fifth_has_its_key(tonic, mode):
    degrees = [*SCALES[mode], 12, 7, 12]
    wave_T = np.concatenate([note(60 + tonic + step, seconds=0.4) for step in degrees])
    found = key(chroma_of(wave_T), spec=SPEC)
    assert (found.key, found.mode) == (PITCH_CLASSES[tonic], mode)
    assert 0 < found.confidence < 1


def test_a_progression_is_heard_chord_by_chord():
    chords = [(0, "maj"), (9, "min"), (5, "maj"), (7, "maj")] * 2
    path_G = chord_path(chroma_of(progression(chords, seconds=2.0)), spec=SPEC)
    known = np.arange(9) * 2.0
    names = [f"{PITCH_CLASSES[root]}:{quality}" for root, quality in chords]
    spans = np.stack([known[:-1], known[1:]], axis=1)
    edges = np.append(np.arange(len(path_G)) * HOP_S, 16.0)
    found = np.stack([edges[:-1], edges[1:]], axis=1)
    score = mir_eval.chord.evaluate(spans, names, found, [CHORDS[k] for k in path_G])
    assert score["majmin"] > 0.93
    values = chord_values(path_G, duration_s=16.0)
    assert values["chord_changes_hz"] == pytest.approx(7 / 16, abs=0.01)


def test_one_tone_and_silence_are_no_chord():
    for wave_T in (note(69, seconds=2, partials=1), np.zeros(2 * RATE_HZ, np.float32)):
        values = chord_values(chord_path(chroma_of(wave_T), spec=SPEC), duration_s=2.0)
        assert values["chord"] is None
        assert values["chords"][CHORDS.index(NO_CHORD)] == pytest.approx(1)


def test_noise_and_silence_have_no_key():
    noise_T = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    for wave_T in (noise_T, np.zeros(2 * RATE_HZ, np.float32)):
        assert key(chroma_of(wave_T), spec=SPEC) is None


@settings(deadline=None)
@given(
    st.lists(st.floats(0.125, 8, width=16), min_size=12, max_size=12),
    st.integers(0, 11),
    st.floats(0.125, 8, width=16),
)
def test_a_transposition_moves_the_key_and_a_gain_does_not(mean_12, steps, gain):
    chroma_12G = np.array(mean_12, np.float32)[:, None]
    before = key(chroma_12G, spec=SPEC)
    after = key(np.roll(gain * chroma_12G, steps, axis=0), spec=SPEC)
    if before is None or before.confidence < 1e-5:
        return
    moved = (PITCH_CLASSES.index(before.key) + steps) % 12
    assert (after.key, after.mode) == (PITCH_CLASSES[moved], before.mode)


@given(st.lists(st.integers(0, 24), min_size=1, max_size=40))
def test_shares_are_of_all_time_and_changes_are_counted(path):
    values = chord_values(np.array(path), duration_s=2.0)
    assert sum(values["chords"]) == pytest.approx(1)
    assert len(values["chords"]) == 25
    assert (values["chord"] is None) == (set(path) == {24})
    changes = sum(a != b for a, b in itertools.pairwise(path))
    assert values["chord_changes_hz"] == pytest.approx(changes / 2)
