"""A track's descriptors as numbers that a linear model can weigh.

Numbers and lists stand as they are; the key becomes its place on the circle of fifths, where
neighbours share all notes but one, and the mode 1 or 0. What a track lacks takes the training
tracks' mean, which after scaling says nothing.

Shapes: N tracks, E numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import CHORDS, DESCRIPTORS, PITCH_CLASSES

NUMBERS = (
    *("loudness_lufs", "loudness_range_lu", "dynamic_complexity_db", "rms_dbfs", "peak_dbfs"),
    *("crest_db", "tempo_bpm", "beat_regularity", "onset_density_hz", "beats_per_bar"),
    *("meter_confidence", "key_confidence", "tuning_cents", "chord_changes_hz"),
    *("pitch_lowest_midi", "pitch_highest_midi", "zero_crossings_hz"),
    *(
        f"{name}_{what}"
        for name in (
            *("spectral_centroid_hz", "spectral_bandwidth_hz", "spectral_rolloff_hz"),
            *("spectral_flatness", "brightness"),
        )
        for what in ("mean", "std")
    ),
)
LISTS = {
    "chords": len(CHORDS),
    "mfcc_mean": DESCRIPTORS.spectrum.n_mfcc,
    "mfcc_std": DESCRIPTORS.spectrum.n_mfcc,
    "spectral_contrast_mean": 7,
    "spectral_contrast_std": 7,
}
"""Columns that are lists, with their lengths (librosa's contrast has seven bands)."""
COLUMNS = (*NUMBERS, *LISTS, "key", "mode")


def descriptor_vector(row: Mapping[str, Any]) -> NDArray[np.float32]:
    """The vector (E) of a row of the descriptors table; NaN where the row has null."""
    values = [_number(row[name]) for name in NUMBERS]
    for name, length in LISTS.items():
        values += [np.nan] * length if row[name] is None else map(_number, row[name])
    values += [np.nan] * 3 if row["key"] is None else _key_numbers(row["key"], row["mode"])
    return np.array(values, dtype=np.float32)


def filled(vectors_NE: NDArray[np.float32], *, trains_N: NDArray[np.bool_]) -> NDArray[np.float32]:
    """NaN replaced by the mean of the training tracks; 0 where none of these has the value."""
    learned_NE = vectors_NE[trains_N].astype(np.float64)
    known_E = np.isfinite(learned_NE).sum(axis=0)
    means_E = np.nansum(learned_NE, axis=0) / np.maximum(known_E, 1)
    return np.where(np.isnan(vectors_NE), means_E, vectors_NE).astype(np.float32)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _key_numbers(key: str, mode: str) -> list[float]:
    angle = 2 * np.pi * (7 * PITCH_CLASSES.index(key) % 12) / 12
    return [float(np.cos(angle)), float(np.sin(angle)), float(mode == "major")]
