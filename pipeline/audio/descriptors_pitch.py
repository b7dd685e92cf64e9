"""How strong each semitone sounds over time, and the range of what is played.

One constant-Q transform (Brown 1991; Schörkhuber, Klapuri 2010, as librosa has it), a bin a
semitone, moved by the tuning that was found. Its filters are longer than librosa's own, so that
neighbouring semitones stay apart: key and chords need that more than they need time.

Shapes: T samples, P pitches (semitones), G columns in time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import TonalSpec
from pipeline.audio.librosa_once import librosa

BLOCK_COLUMNS = 646  # a minute at 22,050 Hz with hops of 2,048
_MARGIN_COLUMNS = 16  # the longest filter, of the lowest pitch, reaches half of that to each side
_OVERTONES = (12, 19, 24, 28, 31, 34, 36)  # the 2nd to the 8th, in semitones
_LOUD_QUANTILE, _FAINT = 0.95, 0.05
_LEAST_SAMPLES = 2**16  # what is shorter than the longest filter is followed by silence


def tuning_of(partials: NDArray[np.float32]) -> float:
    """How far the music is from A = 440 Hz, in semitones from -0.5 to 0.5; 0 without partials."""
    return float(librosa.pitch_tuning(partials)) if len(partials) else 0.0


def pitches(
    wave_T: NDArray[np.float32], *, spec: TonalSpec, sample_rate: int, tuning: float
) -> NDArray[np.float32]:
    """Magnitudes (P, G), the first pitch is `lowest_midi`."""
    hop, num_columns = spec.hop_length, len(wave_T) // spec.hop_length + 1
    blocks = []
    for first in range(0, num_columns, BLOCK_COLUMNS):
        last = min(first + BLOCK_COLUMNS, num_columns)
        before = min(first, _MARGIN_COLUMNS)
        samples_T = wave_T[(first - before) * hop : (last + _MARGIN_COLUMNS) * hop]
        samples_T = np.pad(samples_T, (0, max(0, _LEAST_SAMPLES - len(samples_T))))
        block_PG = np.abs(_constant_q(samples_T, spec=spec, rate=sample_rate, tuning=tuning))
        blocks.append(block_PG[:, before : before + last - first])
    return np.concatenate(blocks, axis=1)


def _constant_q(
    samples_T: NDArray[np.float32], *, spec: TonalSpec, rate: int, tuning: float
) -> NDArray[np.complex64]:
    transform: NDArray[np.complex64] = librosa.cqt(
        samples_T,
        sr=rate,
        hop_length=spec.hop_length,
        fmin=librosa.midi_to_hz(spec.lowest_midi),
        n_bins=12 * spec.num_octaves,
        tuning=tuning,
        filter_scale=spec.filter_scale,
    )
    return transform


def pitch_range(pitch_PG: NDArray[np.float32], *, spec: TonalSpec) -> tuple[int, int] | None:
    """The lowest and the highest pitch that is played, MIDI; None if there is none.

    A pitch is played in a column where it is a peak among its neighbours, near the column's
    largest, and no pitch sounds that it may be an overtone of. Overtones that are stronger than
    their own fundamental, drums, and notes at the place of another one's overtone mislead it: an
    estimate for sorting and statistics, whose errors tests/bench/descriptors_truth.py lists.
    """
    tilt_P = 10 ** (spec.tilt_db / 20 * np.arange(len(pitch_PG)) / 12)
    pitch_PG = pitch_PG * tilt_P.astype(np.float32)[:, None]
    largest_G = pitch_PG.max(axis=0)
    loud = _FAINT * np.quantile(largest_G, _LOUD_QUANTILE)
    played_PG = (pitch_PG > spec.peak_fraction * largest_G) & (pitch_PG > loud)
    played_PG[:-1] &= pitch_PG[:-1] >= pitch_PG[1:]
    played_PG[1:] &= pitch_PG[1:] >= pitch_PG[:-1]
    for distance in _OVERTONES:
        below_PG, above_PG = pitch_PG[:-distance], pitch_PG[distance:]
        played_PG[distance:] &= below_PG < spec.overtone_fraction * above_PG
    found = np.flatnonzero(played_PG.mean(axis=1) >= spec.played_fraction)
    if not len(found):
        return None
    return spec.lowest_midi + int(found[0]), spec.lowest_midi + int(found[-1])
