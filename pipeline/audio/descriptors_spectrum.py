"""Short-time spectra of a wave in blocks, reduced at once to what the descriptors need.

A block is a minute: the spectrum of an hour would take 1.3 GB, its mel takes 80 MB. A frame's
values do not depend on the block that it is in, but for contrast, where librosa cuts levels 80 dB
below the highest that it is given: the highest of that minute.

Shapes: T samples, B frequency bins, F frames, M mel bands, C bands of contrast.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import SpectrumSpec
from pipeline.audio.librosa_once import librosa

BLOCK_FRAMES = 2_584  # a minute at 22,050 Hz with hops of 512


@dataclass(frozen=True)
class Spectrum:
    """Values of each frame, and what was found of the tuning.

    Attributes:
        mel_MF: power in mel bands.
        rms_F: root mean square, of windowed samples.
        centroid_F: Hz.
        bandwidth_F: Hz.
        rolloff_F: Hz.
        flatness_F: 0 to 1.
        bright_F: share of the power above `bright_from_hz`.
        contrast_CF: dB.
        partials: frequencies of spectral peaks, Hz, in some of the frames.
    """

    mel_MF: NDArray[np.float32]
    rms_F: NDArray[np.float32]
    centroid_F: NDArray[np.float32]
    bandwidth_F: NDArray[np.float32]
    rolloff_F: NDArray[np.float32]
    flatness_F: NDArray[np.float32]
    bright_F: NDArray[np.float32]
    contrast_CF: NDArray[np.float32]
    partials: NDArray[np.float32]

    def heard(self, spec: SpectrumSpec) -> NDArray[np.bool_]:
        """Which frames are no silence (F)."""
        least = max(
            float(self.rms_F.max(initial=0.0)) * 10 ** (spec.silence_db / 20),
            10 ** (spec.floor_dbfs / 20),
        )
        return self.rms_F > least


def spectrum(wave_T: NDArray[np.float32], *, spec: SpectrumSpec, sample_rate: int) -> Spectrum:
    """The frames of a wave: one is centred on every hop_length-th sample, from the first on.

    Raises:
        ValueError: the wave is empty.
    """
    if not len(wave_T):
        raise ValueError("a wave without samples has no spectrum")
    measure = _Measure(spec, sample_rate)
    num_frames = len(wave_T) // spec.hop_length + 1
    padded_T = np.pad(wave_T, spec.n_fft // 2)
    blocks = []
    for first in range(0, num_frames, BLOCK_FRAMES):
        last = min(first + BLOCK_FRAMES, num_frames) - 1
        start, stop = first * spec.hop_length, last * spec.hop_length + spec.n_fft
        blocks.append(measure(padded_T[start:stop]))
    if len(blocks) == 1:
        return blocks[0]
    series = {
        field.name: np.concatenate([getattr(block, field.name) for block in blocks], axis=-1)
        for field in fields(Spectrum)
    }
    return Spectrum(**series)


class _Measure:
    """From a block's samples to its frames' values."""

    def __init__(self, spec: SpectrumSpec, sample_rate: int) -> None:
        self._spec = spec
        self._rate = sample_rate
        self._filters_MB = librosa.filters.mel(
            sr=sample_rate, n_fft=spec.n_fft, n_mels=spec.n_mels, dtype=np.float32
        )
        self._hz_B = librosa.fft_frequencies(sr=sample_rate, n_fft=spec.n_fft).astype(np.float32)

    def __call__(self, samples: NDArray[np.float32]) -> Spectrum:
        spec = self._spec
        sizes_BF = np.abs(
            librosa.stft(samples, n_fft=spec.n_fft, hop_length=spec.hop_length, center=False)
        )
        power_BF = np.square(sizes_BF)
        centroid_F, bandwidth_F = self._moments(sizes_BF)
        return Spectrum(
            mel_MF=self._filters_MB @ power_BF,
            rms_F=librosa.feature.rms(S=sizes_BF, frame_length=spec.n_fft)[0],
            centroid_F=centroid_F,
            bandwidth_F=bandwidth_F,
            rolloff_F=librosa.feature.spectral_rolloff(
                S=sizes_BF, sr=self._rate, roll_percent=spec.rolloff_fraction
            )[0].astype(np.float32),
            flatness_F=librosa.feature.spectral_flatness(S=sizes_BF)[0].astype(np.float32),
            bright_F=_fraction(power_BF[self._hz_B >= spec.bright_from_hz].sum(0), power_BF.sum(0)),
            contrast_CF=librosa.feature.spectral_contrast(S=sizes_BF, sr=self._rate).astype(
                np.float32
            ),
            partials=self._partials(sizes_BF[:, :: spec.tuning_step]),
        )

    def _moments(
        self, sizes_BF: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of frequency, weighted by magnitude (Klapuri, Davy 2006).

        What librosa's spectral_centroid and spectral_bandwidth give, in a tenth of their time.
        """
        weights = np.stack([np.ones_like(self._hz_B), self._hz_B, np.square(self._hz_B)])
        total_F, first_F, second_F = (weights @ sizes_BF).astype(np.float64)
        centroid_F, square_F = _fraction(first_F, total_F), _fraction(second_F, total_F)
        bandwidth_F = np.sqrt(np.maximum(square_F - np.square(centroid_F), 0))
        return centroid_F.astype(np.float32), bandwidth_F.astype(np.float32)

    def _partials(self, sizes_BF: NDArray[np.float32]) -> NDArray[np.float32]:
        """Peaks of at least the median size, as librosa's estimate_tuning takes them."""
        hz, size = librosa.piptrack(S=sizes_BF, sr=self._rate, n_fft=self._spec.n_fft)
        found = hz > 0
        if not found.any():
            return np.zeros(0, np.float32)
        strong = size >= np.median(size[found])
        return np.asarray(hz[strong & found], dtype=np.float32)


def _fraction(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Part / whole, 0 where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
