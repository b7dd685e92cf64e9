from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyloudnorm import Meter
from sounds import RATE_HZ, sine

from pipeline.audio.descriptors_loudness import BLOCK_STEPS, loudness, step_energies


def noise(seconds: float, *, rms_dbfs: float, seed: int = 0) -> np.ndarray:
    choice = np.random.default_rng(seed)
    size = round(seconds * RATE_HZ)
    return (10 ** (rms_dbfs / 20) * choice.normal(size=size)).astype(np.float32)


def test_a_sine_of_997_hz_and_minus_20_dbfs_has_minus_23_lufs():
    values = loudness(sine(997, seconds=10, peak_dbfs=-20.0), sample_rate=RATE_HZ)
    assert values["loudness_lufs"] == pytest.approx(-23.01, abs=0.05)
    assert values["loudness_range_lu"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
def test_loudness_is_pyloudnorm_s_with_the_same_filters(rate_hz):
    wave_T = np.concatenate(
        [noise(4, rms_dbfs=-20), noise(2, rms_dbfs=-80), noise(4, rms_dbfs=-40, seed=1)]
    )
    wave_T = wave_T[: len(wave_T) // (rate_hz // 10) * (rate_hz // 10)]
    found = loudness(wave_T, sample_rate=rate_hz)["loudness_lufs"]
    meter = Meter(rate_hz, filter_class="DeMan")
    assert found == pytest.approx(meter.integrated_loudness(wave_T.astype(np.float64)), abs=0.01)


def test_silence_between_does_not_count():
    loud = noise(10, rms_dbfs=-23)
    alone = loudness(loud, sample_rate=RATE_HZ)["loudness_lufs"]
    with_gap = np.concatenate([loud, np.zeros(20 * RATE_HZ, np.float32), loud])
    assert loudness(with_gap, sample_rate=RATE_HZ)["loudness_lufs"] == pytest.approx(alone, abs=0.2)


def test_the_range_of_two_levels_10_db_apart_is_10_lu():
    """The first minimum-requirement signal of EBU Tech 3342."""
    wave_T = np.concatenate(
        [sine(1_000, seconds=20, peak_dbfs=-20), sine(1_000, seconds=20, peak_dbfs=-30)]
    )
    values = loudness(wave_T, sample_rate=RATE_HZ)
    assert values["loudness_range_lu"] == pytest.approx(10, abs=1)
    assert values["dynamic_complexity_db"] == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_what_is_too_short_has_no_loudness(seconds):
    values = loudness(sine(440, seconds=seconds, peak_dbfs=-6), sample_rate=RATE_HZ)
    assert values["loudness_lufs"] is None
    assert values["loudness_range_lu"] is None


def test_silence_has_no_level_at_all():
    values = loudness(np.zeros(RATE_HZ, np.float32), sample_rate=RATE_HZ)
    assert set(values.values()) == {None}


def test_a_sine_s_crest_is_3_db():
    values = loudness(sine(440, seconds=1, peak_dbfs=-6), sample_rate=RATE_HZ)
    assert values["peak_dbfs"] == pytest.approx(-6, abs=0.01)
    assert values["crest_db"] == pytest.approx(3.01, abs=0.01)
    assert values["rms_dbfs"] == pytest.approx(-9.01, abs=0.02)


@settings(max_examples=20, deadline=None)
@given(gain_db=st.floats(-30, 20))
def test_a_gain_moves_the_loudness_and_nothing_else(gain_db):
    wave_T = noise(5, rms_dbfs=-20)
    before = loudness(wave_T, sample_rate=RATE_HZ)
    after = loudness((10 ** (gain_db / 20) * wave_T).astype(np.float32), sample_rate=RATE_HZ)
    assert after["loudness_lufs"] - before["loudness_lufs"] == pytest.approx(gain_db, abs=1e-3)
    for name in ("loudness_range_lu", "dynamic_complexity_db", "crest_db"):
        assert after[name] == pytest.approx(before[name], abs=1e-3)


def test_blocks_leave_no_seam(monkeypatch):
    wave_T = noise(9.05, rms_dbfs=-20)
    whole = step_energies(wave_T, sample_rate=RATE_HZ)
    assert len(whole) == 90 < BLOCK_STEPS
    monkeypatch.setattr("pipeline.audio.descriptors_loudness.BLOCK_STEPS", 7)
    np.testing.assert_allclose(step_energies(wave_T, sample_rate=RATE_HZ), whole, rtol=1e-9)
