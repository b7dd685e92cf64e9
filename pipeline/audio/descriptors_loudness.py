"""How loud music is and how much that changes: ITU-R BS.1770, EBU Tech 3342, crest factor.

The filters are pyloudnorm's (De Man's, which meet the recommendation's own coefficients). The wave
goes through them in blocks, and both measures share them, so that an hour needs no more memory than
a minute; with pyloudnorm's meter each takes a pass of its own over copies of the whole wave.

Shapes: T samples, H steps of 0.1 s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyloudnorm import IIRfilter
from scipy.signal import sosfilt

STEP_S = 0.1
MOMENTARY_STEPS = 4  # 0.4 s, each three quarters over the last: BS.1770-4, annex 1
SHORT_TERM_STEPS = 30  # 3 s: EBU Tech 3342
ABSOLUTE_GATE_LUFS = -70.0
INTEGRATED_GATE_LU = -10.0
RANGE_GATE_LU = -20.0
RANGE_PERCENTILES = (10, 95)
BLOCK_STEPS = 600
_OFFSET = -0.691  # dB, so that a 997 Hz sine of full scale has -3.01 LUFS


def loudness(wave_T: NDArray[np.float32], *, sample_rate: int) -> dict[str, float | None]:
    """Values by column; null where there is nothing above the gates.

    `loudness_lufs`: gated twice, of a wave of one channel. `loudness_range_lu`: from the 10th to
    the 95th percentile of the loudness of 3 s (EBU Tech 3342). `dynamic_complexity_db`: mean
    distance of the loudness of 0.4 s from its mean (Streich, "Music complexity", 2007).
    `rms_dbfs`, `peak_dbfs`, `crest_db`: of the samples as they are, unweighted.
    """
    energy_H = step_energies(wave_T, sample_rate=sample_rate)
    momentary = _moving_mean(energy_H, MOMENTARY_STEPS)
    levels = _lufs(momentary[momentary > _energy(ABSOLUTE_GATE_LUFS)])
    complexity = float(np.abs(levels - levels.mean()).mean()) if len(levels) else None
    return {
        "loudness_lufs": integrated(momentary),
        "loudness_range_lu": loudness_range(_moving_mean(energy_H, SHORT_TERM_STEPS)),
        "dynamic_complexity_db": complexity,
        **_levels(wave_T),
    }


def step_energies(wave_T: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float64]:
    """Mean square of the K-weighted wave in each whole step (H)."""
    step = round(STEP_S * sample_rate)
    sections = _k_weighting(sample_rate)
    state = np.zeros((len(sections), 2))
    parts = []
    whole_T = wave_T[: len(wave_T) // step * step]
    for start in range(0, len(whole_T), BLOCK_STEPS * step):
        block_T = whole_T[start : start + BLOCK_STEPS * step].astype(np.float64)
        weighted_T, state = sosfilt(sections, block_T, zi=state)
        parts.append(np.square(weighted_T).reshape(-1, step).mean(axis=1))
    return np.concatenate(parts) if parts else np.zeros(0)


def integrated(momentary: NDArray[np.float64]) -> float | None:
    """Integrated loudness, LUFS, from the energies of windows of 0.4 s (BS.1770-4, annex 1)."""
    loud = momentary[momentary > _energy(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return None
    kept = loud[loud > loud.mean() * 10 ** (INTEGRATED_GATE_LU / 10)]
    return float(_lufs(kept.mean()))


def loudness_range(short_term: NDArray[np.float64]) -> float | None:
    """Loudness range, LU, from the energies of windows of 3 s (EBU Tech 3342)."""
    loud = short_term[short_term > _energy(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return None
    kept = loud[loud > loud.mean() * 10 ** (RANGE_GATE_LU / 10)]
    low, high = np.percentile(_lufs(kept), RANGE_PERCENTILES)
    return float(high - low)


def _levels(wave_T: NDArray[np.float32]) -> dict[str, float | None]:
    peak = float(np.abs(wave_T).max(initial=0.0))
    if peak == 0.0:
        return {"rms_dbfs": None, "peak_dbfs": None, "crest_db": None}
    scaled_T = wave_T / np.float32(peak)  # squares of the faintest samples would be 0 in float32
    crest_db = max(0.0, float(-10 * np.log10(np.mean(np.square(scaled_T), dtype=np.float64))))
    peak_dbfs = float(20 * np.log10(peak))
    return {"rms_dbfs": peak_dbfs - crest_db, "peak_dbfs": peak_dbfs, "crest_db": crest_db}


def _k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """The two filters of BS.1770 at any rate, as second-order sections."""
    shelf = IIRfilter(
        3.99984385397, 0.7071752369554193, 1681.9744509555319, sample_rate, "high_shelf_DeMan"
    )
    high_pass = IIRfilter(
        0.0, 0.5003270373253953, 38.13547087613982, sample_rate, "high_pass_DeMan"
    )
    return np.array([[*one.b, *one.a] for one in (shelf, high_pass)])


def _moving_mean(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    if len(values) < length:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(values, length)
    means: NDArray[np.float64] = windows.mean(axis=1)
    return means


def _lufs(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_OFFSET + 10 * np.log10(energy))


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))
