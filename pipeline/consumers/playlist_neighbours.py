"""How far apart two tracks are in tempo and key, and which may stand side by side. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.playlist_rules import Candidate, Key, NeighbourRule, Rules

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FIFTH_SEMITONES = 7
MINOR_TO_RELATIVE_MAJOR_SEMITONES = 3
ROUNDING = 1e-9
"""Tempi in a ratio of exactly the limit are neighbours, whatever the logarithm's last digit."""


def tempo_distance(a_bpm: float, b_bpm: float) -> float:
    """Octaves between two tempi, of which one may count at half or double time: 0 to 0.5 or more.

    Estimated tempi are often off by a factor of two, and people hear a beat at either level
    (McKinney and Moelants, "Ambiguity in tempo perception", Music Perception 24, 2006).
    """
    return float(_octaves(np.array([a_bpm]), b_bpm)[0])


def _octaves(tempi_bpm_N: NDArray[np.float64], tempo_bpm: float) -> NDArray[np.float64]:
    octaves_N = np.abs(np.log2(tempi_bpm_N / tempo_bpm))
    return np.minimum(octaves_N, np.abs(octaves_N - 1.0))


def wheel_place(key: Key) -> int:
    """A key's place on the circle of fifths, 0 to 11; a minor key stands with its relative major.

    On the Camelot wheel (Mark Davis; C major 8B, A minor 8A) its number is `(place + 7) % 12 + 1`.
    """
    semitones = TONICS.index(key.tonic)
    if key.mode == "minor":
        semitones += MINOR_TO_RELATIVE_MAJOR_SEMITONES
    return semitones * FIFTH_SEMITONES % len(TONICS)


def key_distance(a: Key, b: Key) -> int:
    """Steps between two keys on the Camelot wheel: 0 the same, 1 what harmonic mixing allows.

    Steps around the circle of fifths, and one more between major and minor: C major is at 1 from
    G major, F major and A minor.
    """
    around = abs(wheel_place(a) - wheel_place(b))
    return min(around, len(TONICS) - around) + (a.mode != b.mode)


def leaps_in_tempo(
    tracks: Sequence[Candidate], *, before: Candidate, rules: Rules
) -> NDArray[np.bool_]:
    """(N,) which tracks leap in tempo; one of unknown tempo never does."""
    leaps_N = np.zeros(len(tracks), bool)
    if rules.tempo_ratio is None or rules.neighbours is NeighbourRule.IGNORE:
        return leaps_N
    if not _is_tempo(before.tempo_bpm):
        return leaps_N
    known = [i for i, track in enumerate(tracks) if _is_tempo(track.tempo_bpm)]
    tempi_bpm = np.array([tracks[i].tempo_bpm for i in known], np.float64)
    octaves = _octaves(tempi_bpm, float(before.tempo_bpm or 0.0))
    leaps_N[known] = octaves > np.log2(rules.tempo_ratio) + ROUNDING
    return leaps_N


def leaps_in_key(
    tracks: Sequence[Candidate], *, before: Candidate, rules: Rules
) -> NDArray[np.bool_]:
    """(N,) which tracks leap in key; one of unknown key never does."""
    leaps_N = np.zeros(len(tracks), bool)
    limit, key = rules.key_distance, before.key
    if limit is None or key is None or rules.neighbours is NeighbourRule.IGNORE:
        return leaps_N
    far = {k: key_distance(k, key) > limit for k in {track.key for track in tracks} if k}
    return np.array([track.key is not None and far[track.key] for track in tracks], bool)


def _is_tempo(tempo_bpm: float | None) -> bool:
    return tempo_bpm is not None and tempo_bpm > 0
