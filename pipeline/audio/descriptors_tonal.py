"""Key and chords, from how strong each pitch class sounds.

The key is the one whose profile correlates best with the mean chroma (Krumhansl 1990); the profiles
are those of Albrecht and Shanahan (Music Perception 31, 2013), counted in scores: of six published
sets they did best (tests/bench/descriptors_truth.py). Chords are triads of binary templates
(Fujishima, ICMC 1999), correlated with each column, with no chord as a 25th, along the likeliest
path (Sheh, Ellis, ISMIR 2003), for which librosa's Viterbi decoder is used.

Shapes: P pitches, G columns, K keys or chords.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import CHORDS, NO_CHORD, PITCH_CLASSES, TonalSpec
from pipeline.audio.librosa_once import librosa

MODES = ("major", "minor")
_PROFILES = {
    "major": (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    "minor": (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
}
_TRIADS = ((0, 4, 7), (0, 3, 7))
_LEAST = 1e-9


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        key: its tonic, one of PITCH_CLASSES.
        mode: major or minor.
        confidence: 0 to 1, how far its correlation is ahead of the next key's.
    """

    key: str
    mode: str
    confidence: float


def chroma(pitch_PG: NDArray[np.float32], *, spec: TonalSpec) -> NDArray[np.float32]:
    """How strong each pitch class sounds (12, G); 0 in columns that are as good as silent.

    Magnitudes are compressed by their square root, so that the loudest part does not decide alone.
    """
    first = spec.chroma_from_midi - spec.lowest_midi
    kept_PG = np.sqrt(pitch_PG[first : spec.chroma_to_midi - spec.lowest_midi])
    octaves = kept_PG.reshape(-1, 12, kept_PG.shape[1])
    folded: NDArray[np.float32] = np.roll(octaves.sum(axis=0), spec.chroma_from_midi % 12, axis=0)
    largest_G = pitch_PG.max(axis=0)
    silent_G = largest_G <= largest_G.max(initial=0.0) * 10 ** (spec.silence_db / 20)
    folded[:, silent_G] = 0
    return folded


def key(chroma_12G: NDArray[np.float32], *, spec: TonalSpec) -> Key | None:
    """The key of it all; None in silence, or where all pitch classes are nearly alike."""
    mean_12 = chroma_12G.mean(axis=1, dtype=np.float64)
    if mean_12.std() <= spec.least_contrast * mean_12.mean():
        return None
    keys_K12 = _centred(
        np.stack([np.roll(_PROFILES[mode], tonic) for mode in MODES for tonic in range(12)])
    )
    fits_K = keys_K12 @ _centred(mean_12[None])[0]
    best, second = np.argsort(-fits_K, kind="stable")[:2]
    confidence = float(np.clip(fits_K[best] - fits_K[second], 0, 1))
    return Key(PITCH_CLASSES[best % 12], MODES[best // 12], confidence)


def chord_path(chroma_12G: NDArray[np.float32], *, spec: TonalSpec) -> NDArray[np.intp]:
    """The chord of each column, as its place in CHORDS (G)."""
    triads_K12 = np.zeros((24, 12))
    for k in range(24):
        triads_K12[k, [(k % 12 + step) % 12 for step in _TRIADS[k // 12]]] = 1
    fits_KG = _centred(triads_K12) @ _centred(chroma_12G.T.astype(np.float64)).T
    fits_KG = np.vstack([fits_KG, np.full(fits_KG.shape[1], spec.no_chord)])
    shares_KG = np.exp(spec.sharpness * fits_KG)
    transition = librosa.sequence.transition_loop(len(CHORDS), spec.stay)
    path: NDArray[np.intp] = librosa.sequence.viterbi_discriminative(
        shares_KG / shares_KG.sum(axis=0), transition
    )
    return path.astype(np.intp)


def chord_values(path_G: NDArray[np.intp], *, duration_s: float) -> dict[str, object]:
    """Values by column: shares of time (`chords`), the commonest `chord`, `chord_changes_hz`."""
    shares = np.bincount(path_G, minlength=len(CHORDS)) / len(path_G)
    best = int(np.argmax(shares[: CHORDS.index(NO_CHORD)]))
    return {
        "chords": shares.tolist(),
        "chord": CHORDS[best] if shares[best] > 0 else None,
        "chord_changes_hz": int(np.count_nonzero(np.diff(path_G))) / duration_s,
    }


def _centred(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows less their means, of length 1: products of two are correlations; 0 if all is alike."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _LEAST))
