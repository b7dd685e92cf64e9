"""Hand-crafted descriptors of a track: loudness, rhythm, key, chords, range and timbre.

One spectrum serves timbre, rhythm and tuning, and one constant-Q transform key, chords, range and
meter. A value that has no meaning (the tempo of a held tone, the key of silence) is None, never
NaN. Importing this takes seconds (librosa, numba): only the stage that describes does.

Shapes: T samples, G columns of the constant-Q transform, M mel bands, F frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_loudness import loudness
from pipeline.audio.descriptors_meter import Heard, meter
from pipeline.audio.descriptors_pitch import pitch_range, pitches, tuning_of
from pipeline.audio.descriptors_rhythm import Rhythm, rhythm
from pipeline.audio.descriptors_spec import CHORDS, DescriptorSpec
from pipeline.audio.descriptors_spectrum import Spectrum, spectrum
from pipeline.audio.descriptors_timbre import timbre
from pipeline.audio.descriptors_tonal import chord_path, chord_values, chroma, key
from pipeline.audio.librosa_once import librosa

_RHYTHM = (
    *("tempo_bpm", "beat_regularity", "num_beats", "onset_density_hz"),
    *("beats_per_bar", "meter_confidence"),
)
_TONAL = (
    *("key", "mode", "key_confidence", "tuning_cents", "chords", "chord", "chord_changes_hz"),
    *("pitch_lowest_midi", "pitch_highest_midi"),
)


@dataclass(frozen=True)
class Description:
    """A track's descriptors, and what lies over time beneath some of them.

    Attributes:
        values: by column of the table.
        beats_s: times of the beats.
        chords: name of the chord in each column of `chord_hop_s`.
        chord_hop_s: length of such a column.
    """

    values: dict[str, Any]
    beats_s: NDArray[np.float64]
    chords: tuple[str, ...]
    chord_hop_s: float


def describe(wave_T: NDArray[np.float32], *, spec: DescriptorSpec) -> Description:
    """Describes a mono wave at the spec's rate.

    Raises:
        ValueError: the wave is empty.
    """
    rate = spec.sample_rate
    frames = spectrum(wave_T, spec=spec.spectrum, sample_rate=rate)
    values: dict[str, Any] = {"duration_s": len(wave_T) / rate}
    values |= loudness(wave_T, sample_rate=rate)
    values |= timbre(wave_T, frames, spec=spec.spectrum, sample_rate=rate)
    if not frames.heard(spec.spectrum).any():
        nothing = values | dict.fromkeys((*_RHYTHM, *_TONAL))
        return Description(_finite(nothing), np.zeros(0), (), spec.tonal.hop_length / rate)
    return _music(wave_T, frames, values=values, spec=spec)


def _music(
    wave_T: NDArray[np.float32],
    frames: Spectrum,
    *,
    values: dict[str, Any],
    spec: DescriptorSpec,
) -> Description:
    rate, frame_hop = spec.sample_rate, spec.spectrum.hop_length
    mel_db_MF = librosa.power_to_db(frames.mel_MF)
    pulse = rhythm(mel_db_MF, spec=spec.rhythm, frame_hz=rate / frame_hop)
    tuning = tuning_of(frames.partials)
    pitch_PG = pitches(wave_T, spec=spec.tonal, sample_rate=rate, tuning=tuning)
    chroma_12G = chroma(pitch_PG, spec=spec.tonal)
    path_G = chord_path(chroma_12G, spec=spec.tonal)
    ratio = spec.tonal.hop_length / frame_hop
    heard = Heard(pulse.curve_F, mel_db_MF, pitch_PG, chroma_12G, frames_per_column=ratio)
    values |= _rhythm_values(pulse, heard, spec=spec)
    values |= _tonal_values(pitch_PG, chroma_12G, tuning=tuning, spec=spec)
    values |= chord_values(path_G, duration_s=values["duration_s"])
    return Description(
        values=_finite(values),
        beats_s=pulse.beats * frame_hop / rate,
        chords=tuple(CHORDS[k] for k in path_G),
        chord_hop_s=spec.tonal.hop_length / rate,
    )


def _rhythm_values(pulse: Rhythm, heard: Heard, *, spec: DescriptorSpec) -> dict[str, Any]:
    time = meter(heard, pulse.beats, spec=spec.rhythm)
    return {
        "tempo_bpm": pulse.tempo_bpm,
        "beat_regularity": pulse.regularity,
        "num_beats": None if pulse.tempo_bpm is None else len(pulse.beats),
        "onset_density_hz": pulse.onset_hz,
        "beats_per_bar": time.beats_per_bar if time else None,
        "meter_confidence": time.confidence if time else None,
    }


def _tonal_values(
    pitch_PG: NDArray[np.float32],
    chroma_12G: NDArray[np.float32],
    *,
    tuning: float,
    spec: DescriptorSpec,
) -> dict[str, Any]:
    found = key(chroma_12G, spec=spec.tonal)
    played = pitch_range(pitch_PG, spec=spec.tonal) if found else None
    return {
        "key": found.key if found else None,
        "mode": found.mode if found else None,
        "key_confidence": found.confidence if found else None,
        "tuning_cents": 100 * tuning if found else None,
        "pitch_lowest_midi": played[0] if played else None,
        "pitch_highest_midi": played[1] if played else None,
    }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values; refuses numbers that are none, which would spread through every query.

    Raises:
        ArithmeticError: a value is NaN or infinite: a fault of this package, never of a track.
    """
    for name, value in values.items():
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
            raise ArithmeticError(f"descriptor {name} is {value}")
    return values
