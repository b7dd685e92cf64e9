from __future__ import annotations

import math

import numpy as np
import pytest
from sounds import RATE_HZ, clicks, progression, sine

from pipeline.audio.descriptors import describe
from pipeline.audio.descriptors_spec import CHORDS, DESCRIPTORS
from pipeline.schemas import DESCRIPTORS as SCHEMA

CHOICE = np.random.default_rng(0)
ODD = {
    "silence": np.zeros(3 * RATE_HZ),
    "one sample": np.full(1, 0.1),
    "a tenth of a second": sine(440, seconds=0.1, peak_dbfs=-6),
    "a second": sine(440, seconds=1, peak_dbfs=-6),
    "one tone": sine(440, seconds=6, peak_dbfs=-6),
    "noise": CHOICE.normal(0, 0.1, 4 * RATE_HZ),
    "an offset": np.full(4 * RATE_HZ, 0.3),
    "far too loud": CHOICE.normal(0, 1e8, 4 * RATE_HZ),
    "far too faint": np.full(4 * RATE_HZ, 1e-42),
    "one click": np.eye(1, 4 * RATE_HZ)[0],
    "sound after silence": np.concatenate([np.zeros(3 * RATE_HZ), 0.1 * clicks(120, seconds=3)]),
}
LEDGER = {"track_id", "audio_version", "spec_id", "plan_id", "run_id", "status", "reason", "detail"}


def song(seconds: float = 16.0) -> np.ndarray:
    """C, A minor, F, G at 120 beats a minute, four beats each."""
    chords = [(0, "maj"), (9, "min"), (5, "maj"), (7, "maj")]
    num_bars = int(seconds / 2)
    harmony_T = progression([chords[b % 4] for b in range(num_bars)], seconds=2.0)
    return harmony_T + clicks(120, seconds=num_bars * 2.0, accents=(1, 0.3, 0.6, 0.3))


@pytest.fixture(scope="module")
def described():
    return describe(song(), spec=DESCRIPTORS)


def test_a_song_is_described_as_it_was_made(described):
    values = described.values
    assert values["duration_s"] == 16.0
    assert values["tempo_bpm"] == pytest.approx(120, rel=0.02)
    assert values["beats_per_bar"] == 4
    assert 28 <= values["num_beats"] <= 32  # librosa leaves out the outer ones
    assert (values["key"], values["mode"]) == ("C", "major")
    shares = dict(zip(CHORDS, values["chords"], strict=True))
    for name in ("C:maj", "A:min", "F:maj", "G:maj"):
        assert shares[name] == pytest.approx(0.25, abs=0.06)
    assert values["pitch_lowest_midi"] == pytest.approx(48, abs=1)
    assert abs(values["tuning_cents"]) < 8


def test_the_values_are_the_table_s_columns(described):
    assert described.values.keys() | LEDGER | {"made_at"} == set(SCHEMA.names)


def test_what_lies_over_time_fits_the_wave(described):
    assert ((described.beats_s >= 0) & (described.beats_s <= 16)).all()
    assert len(described.chords) * described.chord_hop_s == pytest.approx(16, abs=0.1)


def test_the_same_wave_has_the_same_values(described):
    assert describe(song(), spec=DESCRIPTORS).values == described.values


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_no_wave_gives_nan_or_a_warning(name, described):
    values = describe(ODD[name].astype(np.float32), spec=DESCRIPTORS).values
    assert values.keys() == described.values.keys()
    for value in values.values():
        for number in value if isinstance(value, list) else [value]:
            assert not isinstance(number, float) or math.isfinite(number)


def test_silence_has_a_duration_and_nothing_else():
    values = describe(ODD["silence"].astype(np.float32), spec=DESCRIPTORS).values
    assert values.pop("duration_s") == 3.0
    assert set(values.values()) == {None}


def test_one_tone_has_no_tempo_and_is_its_own_range():
    values = describe(ODD["one tone"], spec=DESCRIPTORS).values
    assert values["tempo_bpm"] is None
    assert values["beats_per_bar"] is None
    assert (values["pitch_lowest_midi"], values["pitch_highest_midi"]) == (69, 69)
    assert values["chord"] is None


@pytest.mark.parametrize("gain_db", [-30, 10])
def test_a_gain_changes_only_what_measures_level(described, gain_db):
    values = describe((10 ** (gain_db / 20) * song()).astype(np.float32), spec=DESCRIPTORS).values
    for name in ("tempo_bpm", "num_beats", "beats_per_bar", "key", "mode", "chord"):
        assert values[name] == described.values[name]
    moved = values["loudness_lufs"] - described.values["loudness_lufs"]
    assert moved == pytest.approx(gain_db, abs=0.01)
