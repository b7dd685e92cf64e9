"""Duple or triple time: after how many beats does music repeat itself?

After Gouyon and Herrera (AES 114, 2003): descriptors of the segments between beats are compared
with those some beats later. Four are used: the onset's strength, the loudness after the beat, the
change of harmony from beat to beat, and the spectrum of the segment. If they repeat after 3 and 6
beats more than after 4 and 8, the time is triple.

Shapes: F frames, G columns of pitch, N beats, P pitches, M mel bands, D values of a segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_rhythm import autocorrelation
from pipeline.audio.descriptors_spec import RhythmSpec

TRIPLE, DUPLE = 3, 4
_NEAR_FRAMES = 3  # an onset's strongest frame is so near to its beat
_AFTER_FRAMES = 6
_LEAST = 1e-9


@dataclass(frozen=True)
class Meter:
    """What was decided.

    Attributes:
        beats_per_bar: 3 (triple) or 4 (duple: 2/4, and 6/8 counted in two, are 4 too).
        confidence: 0 to 1, the lead of the one over the other.
    """

    beats_per_bar: int
    confidence: float


@dataclass(frozen=True)
class Heard:
    """What is compared.

    Attributes:
        curve_F: the onset curve.
        mel_db_MF: the mel, dB.
        pitch_PG: how strong each pitch sounds.
        chroma_DG: how strong each pitch class sounds.
        frames_per_column: F / G.
    """

    curve_F: NDArray[np.float32]
    mel_db_MF: NDArray[np.float32]
    pitch_PG: NDArray[np.float32]
    chroma_DG: NDArray[np.float32]
    frames_per_column: float


def meter(heard: Heard, beats: NDArray[np.intp], *, spec: RhythmSpec) -> Meter | None:
    """The meter of what is heard at these beats (frames); None if they are too few."""
    if len(beats) < spec.least_beats:
        return None
    columns = (beats / heard.frames_per_column).round().astype(np.intp)
    columns = np.minimum(columns, heard.pitch_PG.shape[1] - 1)
    num_lags = max(*spec.triple_lags, *spec.duple_lags) + 1
    accents = (
        _highest_near(heard.curve_F, beats),
        _mean_after(heard.mel_db_MF, beats),
        _changes(_segments(heard.chroma_DG, columns)),
    )
    lead = float(np.mean([_lead(autocorrelation(one, num_lags=num_lags), spec) for one in accents]))
    sounds_PN = _segments(np.sqrt(heard.pitch_PG), columns)
    lead += _lead(_likeness(sounds_PN, num_lags=num_lags), spec) - spec.triple_bias
    return Meter(TRIPLE if lead > 0 else DUPLE, min(1.0, abs(lead)))


def _lead(repeats: NDArray[np.float64], spec: RhythmSpec) -> float:
    """By how much there is more of it at triple lags than at duple ones."""
    return float(repeats[list(spec.triple_lags)].mean() - repeats[list(spec.duple_lags)].mean())


def _highest_near(curve_F: NDArray[np.float32], beats: NDArray[np.intp]) -> NDArray[np.float64]:
    around = np.arange(-_NEAR_FRAMES, _NEAR_FRAMES + 1)
    places = np.clip(beats[:, None] + around, 0, len(curve_F) - 1)
    return np.asarray(curve_F[places].max(axis=1), dtype=np.float64)


def _mean_after(mel_db_MF: NDArray[np.float32], beats: NDArray[np.intp]) -> NDArray[np.float64]:
    level_F = mel_db_MF.mean(axis=0, dtype=np.float64)
    places = np.minimum(beats[:, None] + np.arange(_AFTER_FRAMES), len(level_F) - 1)
    return np.asarray(level_F[places].mean(axis=1))


def _segments(values_DG: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Means from each beat to the next (D, N); the last one's segment goes on to the end."""
    ends = np.append(columns[1:], values_DG.shape[1])
    sums = np.add.reduceat(values_DG.astype(np.float64), columns, axis=1)
    return np.asarray(sums / np.maximum(ends - columns, 1))


def _changes(values_DN: NDArray[np.float64]) -> NDArray[np.float64]:
    """One less the cosine of each segment and the one before; 0 for the first."""
    units_DN = _units(values_DN)
    return np.append(0.0, 1 - (units_DN[:, 1:] * units_DN[:, :-1]).sum(axis=0))


def _likeness(values_DN: NDArray[np.float64], *, num_lags: int) -> NDArray[np.float64]:
    """Mean cosine, less what all segments share, of segments that lie each lag apart."""
    units_DN = _units(values_DN - values_DN.mean(axis=1, keepdims=True))
    products = [(units_DN[:, lag:] * units_DN[:, : -lag or None]).sum(0) for lag in range(num_lags)]
    return np.array([product.mean() for product in products])


def _units(values_DN: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values_DN / (np.linalg.norm(values_DN, axis=0) + _LEAST))
