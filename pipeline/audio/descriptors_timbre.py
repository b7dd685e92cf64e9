"""What music sounds like: MFCCs and the shape of the spectrum, over the frames that are no silence.

All from librosa (McFee et al., SciPy 2015), whose documentation names their sources: MFCCs as
Slaney's Auditory Toolbox (1998); centroid and bandwidth (Klapuri, Davy 2006); rolloff (Scheirer,
Slaney 1997); flatness (Dubnov 2004); contrast (Jiang et al., ICME 2002). Brightness is the share of
power above 1,500 Hz (Lartillot's MIRtoolbox, after Juslin 2000).

Shapes: T samples, F frames, M mel bands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import SpectrumSpec
from pipeline.audio.descriptors_spectrum import Spectrum
from pipeline.audio.librosa_once import librosa

SERIES = {
    "spectral_centroid_hz": "centroid_F",
    "spectral_bandwidth_hz": "bandwidth_F",
    "spectral_rolloff_hz": "rolloff_F",
    "spectral_flatness": "flatness_F",
    "brightness": "bright_F",
}
"""Columns NAME_mean and NAME_std, and the series that they are of."""


def timbre(
    wave_T: NDArray[np.float32], frames: Spectrum, *, spec: SpectrumSpec, sample_rate: int
) -> dict[str, float | list[float] | None]:
    """Values by column, all null if there is only silence.

    `zero_crossings_hz`: changes of sign a second.
    """
    heard_F = frames.heard(spec)
    lists = {"mfcc": mfcc(frames.mel_MF, n_mfcc=spec.n_mfcc), "contrast": frames.contrast_CF}
    if not heard_F.any():
        names = [*SERIES, "mfcc", "spectral_contrast"]
        nulls: dict[str, float | list[float] | None] = {
            f"{name}_{what}": None for name in names for what in ("mean", "std")
        }
        return nulls | {"zero_crossings_hz": None}
    values: dict[str, float | list[float] | None] = {}
    for name, series in SERIES.items():
        kept = getattr(frames, series)[heard_F].astype(np.float64)
        values |= {f"{name}_mean": float(kept.mean()), f"{name}_std": float(kept.std())}
    for name, rows in (("mfcc", lists["mfcc"]), ("spectral_contrast", lists["contrast"])):
        kept = rows[:, heard_F].astype(np.float64)
        values |= {f"{name}_mean": kept.mean(1).tolist(), f"{name}_std": kept.std(1).tolist()}
    changes = int(np.count_nonzero(np.diff(np.signbit(wave_T))))
    return values | {"zero_crossings_hz": changes * sample_rate / len(wave_T)}


def mfcc(mel_MF: NDArray[np.float32], *, n_mfcc: int) -> NDArray[np.float32]:
    """Coefficients of each frame (n_mfcc, F); levels are cut 80 dB below the highest."""
    coefficients: NDArray[np.float32] = librosa.feature.mfcc(
        S=librosa.power_to_db(mel_MF), n_mfcc=n_mfcc
    )
    return coefficients
