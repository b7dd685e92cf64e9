"""Tempo, beats and onsets, from a curve that rises where something begins.

The onset curve, the peaks in it and the beats are librosa's: flux of the mel in dB (Böck, Widmer,
DAFx 2013) and beats by dynamic programming (Ellis, JNMR 2007). The tempo is its own: librosa's
looks at one period of the autocorrelation, this one also at twice, three and four times the period
with falling weights (a comb, after Klapuri, Eronen, Astola, TSALP 2006), under the same
log-normal prior. tests/bench/descriptors_truth.py says what that gains.

Shapes: F frames, P tempi, L lags in frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.ndimage import gaussian_filter1d

from pipeline.audio.descriptors_spec import RhythmSpec
from pipeline.audio.librosa_once import librosa

_HOP = 512


@dataclass(frozen=True)
class Rhythm:
    """What was found.

    Attributes:
        tempo_bpm: None without a pulse.
        regularity: 0 to 1, how much of the onset curve repeats after one beat; None without tempo.
        beats: frames of the beats; empty without tempo.
        onset_hz: onsets a second.
        curve_F: how much begins in each frame.
    """

    tempo_bpm: float | None
    regularity: float | None
    beats: NDArray[np.intp]
    onset_hz: float
    curve_F: NDArray[np.float32]


def rhythm(mel_db_MF: NDArray[np.float32], *, spec: RhythmSpec, frame_hz: float) -> Rhythm:
    """Tempo, beats and onsets of a mel.

    Args:
        mel_db_MF: in dB, as `librosa.power_to_db` gives it.
        spec: the parameters.
        frame_hz: frames a second.
    """
    rate, hop = frame_hz * _HOP, _HOP  # librosa asks for both, and uses their quotient
    curve_F = librosa.onset.onset_strength(S=mel_db_MF, sr=rate, hop_length=hop)
    nothing = Rhythm(None, None, np.zeros(0, np.intp), 0.0, curve_F)
    if curve_F.max(initial=0.0) < spec.least_rise_db:
        return nothing
    onsets = librosa.onset.onset_detect(onset_envelope=curve_F, sr=rate, hop_length=hop)
    duration_s = mel_db_MF.shape[1] / frame_hz
    heard = replace(nothing, onset_hz=len(onsets) / duration_s)
    is_even = curve_F.std() < spec.least_contrast * curve_F.mean()
    if is_even or len(onsets) < spec.least_onsets or duration_s < spec.least_s:
        return heard
    tempo_bpm, regularity = tempo(curve_F, spec=spec, frame_hz=frame_hz)
    _, beats = librosa.beat.beat_track(
        onset_envelope=curve_F, sr=rate, hop_length=hop, bpm=tempo_bpm, tightness=spec.tightness
    )
    return replace(heard, tempo_bpm=tempo_bpm, regularity=regularity, beats=beats.astype(np.intp))


def tempo(
    curve_F: NDArray[np.float32], *, spec: RhythmSpec, frame_hz: float
) -> tuple[float, float]:
    """The likeliest tempo, bpm, and the autocorrelation after one beat of it, 0 to 1.

    The second is pulse clarity as Lartillot et al. (ISMIR 2008) take it, at the tempo's lag instead
    of the highest one.
    """
    smooth_F = gaussian_filter1d(curve_F.astype(np.float64), spec.smooth_s * frame_hz)
    lowest, highest = np.log2(spec.tempo_low_bpm), np.log2(spec.tempo_high_bpm)
    bpm_P = 2 ** np.linspace(lowest, highest, spec.tempo_steps)
    lag_P = 60 * frame_hz / bpm_P
    teeth = len(spec.comb_weights)
    similar_L = autocorrelation(smooth_F, num_lags=int(np.ceil(teeth * lag_P[0])) + 1)
    lags = np.arange(len(similar_L))
    comb_P = sum(
        weight * np.interp(tooth * lag_P, lags, similar_L, right=0.0)
        for tooth, weight in enumerate(spec.comb_weights, 1)
    ) / sum(spec.comb_weights)
    distance_P = np.log2(bpm_P / spec.prior_bpm) / spec.prior_octaves
    best = int(np.argmax(np.log(np.maximum(comb_P, 1e-3)) - 0.5 * np.square(distance_P)))
    clarity = np.interp(lag_P[best], lags, similar_L, right=0.0)
    return float(bpm_P[best]), float(np.clip(clarity, 0, 1))


def autocorrelation(values_F: NDArray[np.float64], *, num_lags: int) -> NDArray[np.float64]:
    """Of the deviations from the mean, each lag by the number of its terms; lag 0 gives 1.

    Lags over half the length have too few terms and are left out.
    """
    length = len(values_F)
    num_lags = min(num_lags, length // 2 + 1)
    centred_F = values_F - values_F.mean()
    spectrum = np.fft.rfft(centred_F, next_fast_len(length + num_lags))
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    sums = np.fft.irfft(power, next_fast_len(length + num_lags))[:num_lags]
    means = sums / (length - np.arange(num_lags))
    return np.asarray(means / means[0] if means[0] > 0 else np.zeros(num_lags))
