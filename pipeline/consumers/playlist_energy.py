"""How much energy a track has among others, and the curves that energy follows. Pure.

Energy is the mean of percentile ranks among the candidates: 0 the least, 1 the most. With
descriptors they are ranks of integrated loudness, onset density and spectral centroid, which
together with tempo carry most of what listeners call arousal (Schubert, "Modeling perceived
emotion with continuous musical features", Music Perception 21, 2004). Without, they are ranks of
scores of the tags below: those of LIVELY_TAGS up, those of CALM_TAGS down.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from pipeline.consumers.playlist_rules import Curve

# Shape letters: N candidates, D properties.

ENERGY_COLUMNS = ("loudness_lufs", "onset_density_hz", "spectral_centroid_hz_mean")
LIVELY_TAGS = (
    *("loud", "fast", "beat", "beats", "drums", "rock", "metal", "techno", "dance", "party"),
    *("punk", "hard rock", "heavy metal", "energetic", "upbeat", "powerful", "action", "fun"),
)
CALM_TAGS = (
    *("quiet", "slow", "soft", "ambient", "calm", "mellow", "chill", "chillout", "relaxing"),
    *("easy listening", "sad", "melancholic", "meditative", "soundscape", "dream"),
)
LOW, HIGH = 0.1, 0.9
"""Ends of the curves: the ranks beyond belong to single tracks."""


def percentile_ranks(values_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) share of the others that are below, ties at their middle: 0 to 1; NaN stays NaN."""
    ranks_N = np.full(len(values_N), np.nan)
    known_N = np.isfinite(values_N)
    count = int(known_N.sum())
    if count:
        ranks_N[known_N] = (rankdata(values_N[known_N]) - 1) / max(1, count - 1)
    if count == 1:
        ranks_N[known_N] = 0.5
    return ranks_N


def energy(rising_ND: NDArray[np.float64], falling_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) energy, 0 to 1, as the rank of the mean of ranks; NaN where no property is known.

    Args:
        rising_ND: (N, D) properties that grow with energy; NaN is unknown.
        falling_ND: (N, D) properties that fall.
    """
    columns = [percentile_ranks(column_N) for column_N in rising_ND.T]
    columns += [1.0 - percentile_ranks(column_N) for column_N in falling_ND.T]
    if not columns:
        return np.full(len(rising_ND), np.nan)
    ranks_ND = np.stack(columns, axis=1)
    known_N = np.isfinite(ranks_ND).any(axis=1)
    means_N = np.full(len(ranks_ND), np.nan)
    means_N[known_N] = np.nanmean(ranks_ND[known_N], axis=1)
    return percentile_ranks(means_N)


def target_energy(curve: Curve, *, progress: float) -> float | None:
    """What a curve asks for; None without a curve.

    Args:
        curve: its shape. An arc is half a sine: from 0.1 to 0.9 in the middle, and back.
        progress: 0 at the first track, 1 at the last.
    """
    if curve is Curve.NONE:
        return None
    if curve is Curve.FLAT:
        return (LOW + HIGH) / 2
    shares = {
        Curve.RISING: progress,
        Curve.FALLING: 1.0 - progress,
        Curve.ARC: math.sin(math.pi * progress),
    }
    return LOW + (HIGH - LOW) * shares[curve]
