"""Front ends: from a wave to the mel that a network reads, equal to what was published.

All of them: periodic Hann window, centred frames, reflected ends. What differs: frontend_spec.py.

The frames are windowed views that go through one real FFT and one product with torchaudio's
filter bank, in blocks that stay in a core's cache: about 1.5 times as fast on one thread as
torchaudio.transforms.MelSpectrogram (tests/bench/bench_decode.py), and an hour of audio needs
little more memory than its wave and its mel.

Shapes: N chunks, T samples, M mel bands, F frames, W samples of a window, B frequency bins.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchaudio.functional import melscale_fbanks

from pipeline.audio.chunk import num_repeats
from pipeline.audio.frontend_spec import FRONTENDS, Compression, FrontendSpec, shown

__all__ = ["FRONTENDS", "Compression", "Frontend", "FrontendSpec", "shown"]

CPU_BLOCK_FRAMES = 256
_LEAST_POWER = 1e-10  # -100 dB
_LARGEST_FLOAT16 = 65_504.0
# A product of fewer rows may take other code, and a frame must not depend on where its track ends.
_LEAST_ROWS = 8


class Frontend:
    """Computes one spec's mels on the device that the wave is on."""

    def __init__(self, spec: FrontendSpec) -> None:
        self.spec = spec
        if not spec.reads_wave:
            self._window_W = _window(spec)
            self._filters_BM = _filters(spec)

    def num_frames(self, num_samples: int) -> int:
        """Frames of a wave: one is centred on every hop_length-th sample, from the first on."""
        if self.spec.reads_wave:
            return num_samples
        return num_samples // self.spec.hop_length + 1

    @torch.no_grad()
    def mel(self, wave_T: Tensor | NDArray[np.float32]) -> Tensor:
        """The mel (M, F) of a whole wave, float32, as it is stored (in float16).

        In dB, or the power mel rounded to float16's precision, as the published code of musicnn
        rounds it; what float16 cannot hold becomes its largest value instead of infinity.
        A wave too short to be reflected (up to n_fft / 2 samples) is repeated first.

        Raises:
            ValueError: the wave is empty.
        """
        wave_T = torch.as_tensor(wave_T, dtype=torch.float32)
        if not wave_T.numel():
            raise ValueError("the wave is empty")
        return wave_T[None] if self.spec.reads_wave else self._stored(self._power_mel(wave_T))

    @torch.no_grad()
    def mel_chunks(self, chunks_NT: Tensor | NDArray[np.float32]) -> Tensor:
        """The mels (N, M, F) of chunks, each on its own, reflected at its own ends."""
        chunks_NT = torch.as_tensor(chunks_NT, dtype=torch.float32)
        if self.spec.reads_wave:
            return chunks_NT[:, None]
        if chunks_NT.device.type == "cpu":  # one at a time is faster there
            power_NMF = torch.stack([self._power_mel(wave_T) for wave_T in chunks_NT])
        else:
            power_NMF = self._power_mel(chunks_NT)
        return self._stored(power_NMF)

    @torch.no_grad()
    def network_input(self, mel: Tensor) -> Tensor:
        """What the network reads, from a mel as stored (float32 or float16); same shape."""
        mel = mel.float()  # the product below overflows in float16
        if self.spec.compression is Compression.LOG10_10000:
            return torch.log10(10_000 * mel + 1)
        return mel

    def _stored(self, power: Tensor) -> Tensor:
        if self.spec.compression is Compression.LOG10_10000:
            return power.clamp_(max=_LARGEST_FLOAT16).half().float()
        return power.clamp_(min=_LEAST_POWER).log10_().mul_(10)

    def _power_mel(self, wave: Tensor, *, block_frames: int = CPU_BLOCK_FRAMES) -> Tensor:
        """(..., T) to (..., M, F); on a CPU `block_frames` at a time."""
        num_frames = self.num_frames(wave.shape[-1])
        frames_FW = self._padded(wave).unfold(-1, self.spec.n_fft, self.spec.hop_length)
        window_W = self._window_W.to(wave.device)
        filters_BM = self._filters_BM.to(wave.device)
        step = block_frames if wave.device.type == "cpu" else num_frames
        power = wave.new_empty((*wave.shape[:-1], self.spec.n_mels, num_frames))
        for start in range(0, num_frames, step):
            stop = min(start + step, num_frames)
            spectrum_FB = torch.fft.rfft(frames_FW[..., start:stop, :] * window_W)
            power_FB = spectrum_FB.real.square().addcmul_(spectrum_FB.imag, spectrum_FB.imag)
            if stop - start < _LEAST_ROWS:
                power_FB = functional.pad(power_FB, (0, 0, 0, _LEAST_ROWS - (stop - start)))
            power[..., start:stop] = (power_FB @ filters_BM)[..., : stop - start, :].mT
        return power

    def _padded(self, wave: Tensor) -> Tensor:
        reflected = self.spec.n_fft // 2
        repeats = num_repeats(wave.shape[-1], chunk=reflected + 1)
        if repeats > 1:
            wave = wave.repeat(*(1 for _ in wave.shape[:-1]), repeats)
        rows = wave.reshape(-1, wave.shape[-1])
        padded = functional.pad(rows, (reflected, reflected), mode="reflect")
        return padded.reshape(*wave.shape[:-1], -1)


def _window(spec: FrontendSpec) -> Tensor:
    missing = spec.n_fft - spec.win_length
    window_W = torch.hann_window(spec.win_length, periodic=True)
    return functional.pad(window_W, (missing // 2, missing - missing // 2))


def _filters(spec: FrontendSpec) -> Tensor:
    num_bins = spec.n_fft // 2 + 1
    with warnings.catch_warnings():
        # 128 bands of 512 samples leave one band empty; published models were trained so
        warnings.filterwarnings("ignore", message="At least one mel filterbank has all zero")
        filters_BM: Tensor = melscale_fbanks(
            num_bins,
            spec.f_min,
            spec.f_max,
            spec.n_mels,
            spec.sample_rate,
            norm=spec.norm,
            mel_scale=spec.mel_scale,
        )
    return filters_BM
