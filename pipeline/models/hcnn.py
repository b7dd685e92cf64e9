"""Harmonic CNN (Won et al. 2020, ICASSP): a learned filter bank that stacks harmonics.

In the form that sota-music-tagging-models published. The bank's triangles stand at the first six
harmonics of 128 bands; one learned number scales all bandwidths.

Shapes: N chunks, T samples (published: 80,000), B = 257 bins, F frames (T // 256 + 1), H = 6
harmonics, M = 128 bands, C channels, K tags, E = 2 * num_channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.models.layers import ConvBlock2d, Output

SAMPLE_RATE, N_FFT, HOP_LENGTH = 16_000, 512, 256
NUM_HARMONICS, NUM_BANDS = 6, 128
LOWEST_NOTE, NOTES_PER_BAND = 24, 0.5
"""C1, as a MIDI number; 128 half semitones reach E6, whose sixth harmonic is just below 8 kHz."""
BANDWIDTH_SLOPE, BANDWIDTH_FLOOR_HZ = 0.1079, 24.7
"""Of the equivalent rectangular bandwidth (Glasberg and Moore 1990), as the paper takes it."""
LEAST_POWER = 1e-10


class Window(nn.Module):
    """Holds the window under its published key."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(N_FFT))


class HarmonicBank(nn.Module):
    """From waves to decibels of harmonics by bands by frames."""

    centre_hz: Tensor
    bin_hz: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.bw_Q = nn.Parameter(torch.ones(1))
        self.spec = Window()
        note = LOWEST_NOTE + NOTES_PER_BAND * torch.arange(NUM_BANDS, dtype=torch.float64)
        base_hz = 440.0 * 2.0 ** ((note - 69.0) / 12.0)
        harmonics = torch.arange(1, NUM_HARMONICS + 1, dtype=torch.float64)
        centre_hz = (harmonics[:, None] * base_hz).flatten().float()
        bin_hz = torch.linspace(0.0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
        self.register_buffer("centre_hz", centre_hz, persistent=False)
        self.register_buffer("bin_hz", bin_hz, persistent=False)

    def filters(self) -> Tensor:
        """The triangles (B, H * M), of the present bandwidths."""
        width_hz = (BANDWIDTH_SLOPE * self.centre_hz + BANDWIDTH_FLOOR_HZ) / self.bw_Q
        slope_BH = 2.0 * self.bin_hz[:, None] / width_hz
        peak_H = 2.0 * self.centre_hz / width_hz
        return torch.minimum(slope_BH + 1.0 - peak_H, -slope_BH + 1.0 + peak_H).clamp(min=0.0)

    def forward(self, wave_NT: Tensor) -> Tensor:
        """(N, H, M, F)."""
        kind = wave_NT.device.type  # "meta", which only shapes go through, knows no autocast
        with torch.autocast("cpu" if kind == "meta" else kind, enabled=False):
            spectrum_NBF = torch.stft(
                wave_NT.float(),
                N_FFT,
                HOP_LENGTH,
                window=self.spec.window,
                pad_mode="reflect",
                return_complex=True,
            )
            power_NBF = spectrum_NBF.real.square() + spectrum_NBF.imag.square()
            bands_NHF = self.filters().mT @ power_NBF
            db_NHF: Tensor = 10.0 * bands_NHF.clamp(min=LEAST_POWER).log10()
        return db_NHF.reshape(len(wave_NT), NUM_HARMONICS, NUM_BANDS, -1)


class PooledResBlock2d(nn.Module):
    """Two 3 x 3 convolutions around a plain shortcut, then a maximum over pool."""

    def __init__(self, channels: int, *, pool: int | tuple[int, int] = 2) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn_1 = nn.BatchNorm2d(channels)
        self.conv_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x_NCMF: Tensor) -> Tensor:
        """The sum of both ways, ReLU, maximum."""
        y_NCMF = self.bn_2(self.conv_2(self.bn_1(self.conv_1(x_NCMF)).relu_()))
        pooled_NCMF: Tensor = self.pool((x_NCMF + y_NCMF).relu_())
        return pooled_NCMF


class HarmonicCnn(nn.Module):
    """The bank, seven blocks, two dense layers; 3,631,551 parameters at 50 tags.

    Args:
        num_tags: outputs.
        num_channels: of the first blocks; 128 is the published width.
    """

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        super().__init__()
        c = num_channels
        self.hstft = HarmonicBank()
        self.hstft_bn = nn.BatchNorm2d(NUM_HARMONICS)
        self.layer1 = ConvBlock2d(NUM_HARMONICS, c, pool=2)
        self.layer2 = PooledResBlock2d(c)
        self.layer3 = PooledResBlock2d(c)
        self.layer4 = PooledResBlock2d(c)
        self.layer5 = ConvBlock2d(c, 2 * c, pool=2)
        self.layer6 = PooledResBlock2d(2 * c, pool=(2, 3))
        self.layer7 = PooledResBlock2d(2 * c, pool=(2, 3))
        self.dense1 = nn.Linear(2 * c, 2 * c)
        self.bn = nn.BatchNorm1d(2 * c)
        self.dropout = nn.Dropout()
        self.dense2 = nn.Linear(2 * c, num_tags)

    def forward(self, wave_N1T: Tensor) -> Output:
        """Logits, and the hidden dense layer that they are read from; from 288 frames (4.6 s)."""
        x_NCMF = self.hstft_bn(self.hstft(wave_N1T.squeeze(1)))
        for i in range(1, 8):
            x_NCMF = self.get_submodule(f"layer{i}")(x_NCMF)
        embedding_NE = self.bn(self.dense1(x_NCMF.amax((2, 3)))).relu_()
        return Output(self.dense2(self.dropout(embedding_NE)), embedding_NE)
