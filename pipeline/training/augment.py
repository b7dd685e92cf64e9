"""What is done to chunks before the network sees them in training.

Everything is drawn from a generator that is seeded by seed, epoch, step and part, so it does not
depend on which worker does it.

Shapes: N chunks, M mel bands, F frames, L logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.audio.frontend import Compression
from pipeline.config_training import AugmentConfig, SpecAugmentConfig


@dataclass(frozen=True)
class Augmentation:
    """The steps that a configuration turns on.

    Attributes:
        config: which, and how strong.
        compression: what the network reads.
    """

    config: AugmentConfig
    compression: Compression

    def __call__(
        self, mel_NMF: Tensor, wanted_NL: Tensor, *, key: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """Changed chunks, and targets that are soft where chunks were mixed."""
        choice = np.random.default_rng(key)
        if self.config.gain_db:
            mel_NMF = self._louder(mel_NMF, choice)
        if self.config.mixup_alpha is not None:
            mel_NMF, wanted_NL = mixup(
                mel_NMF, wanted_NL, alpha=self.config.mixup_alpha, choice=choice
            )
        if self.config.specaugment is not None:
            mel_NMF = spec_augment(mel_NMF, config=self.config.specaugment, choice=choice)
        return mel_NMF, wanted_NL

    def _louder(self, mel_NMF: Tensor, choice: np.random.Generator) -> Tensor:
        """Each chunk by a gain of its own; of log10(10000 x + 1) a shift is nearly one."""
        gain_db = choice.uniform(-self.config.gain_db, self.config.gain_db, len(mel_NMF))
        gain_N11 = torch.as_tensor(gain_db, dtype=mel_NMF.dtype, device=mel_NMF.device)[
            :, None, None
        ]
        if self.compression is Compression.WAVE:
            return mel_NMF * 10.0 ** (gain_N11 / 20.0)
        return mel_NMF + (gain_N11 if self.compression is Compression.DB else gain_N11 / 10.0)


def mixup(
    mel_NMF: Tensor, wanted_NL: Tensor, *, alpha: float, choice: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Each chunk blended with another, targets alike (Zhang et al. 2018, arXiv 1710.09412)."""
    share = float(choice.beta(alpha, alpha))
    other = torch.as_tensor(choice.permutation(len(mel_NMF)), device=mel_NMF.device)
    return (
        share * mel_NMF + (1.0 - share) * mel_NMF[other],
        share * wanted_NL + (1.0 - share) * wanted_NL[other],
    )


def spec_augment(
    mel_NMF: Tensor, *, config: SpecAugmentConfig, choice: np.random.Generator
) -> Tensor:
    """Stripes of time and of frequency set to the chunk's mean (Park et al. 2019, no warping)."""
    num_chunks, n_mels, num_frames = mel_NMF.shape
    hidden_NMF = torch.zeros(mel_NMF.shape, dtype=torch.bool)
    for row in range(num_chunks):
        for _ in range(config.time_masks):
            start, stop = _stripe(choice, longest=config.time_frames, size=num_frames)
            hidden_NMF[row, :, start:stop] = True
        for _ in range(config.band_masks):
            start, stop = _stripe(choice, longest=config.bands, size=n_mels)
            hidden_NMF[row, start:stop] = True
    mean_N11 = mel_NMF.mean((1, 2), keepdim=True)
    return torch.where(hidden_NMF.to(mel_NMF.device), mean_N11, mel_NMF)


def _stripe(choice: np.random.Generator, *, longest: int, size: int) -> tuple[int, int]:
    length = int(choice.integers(0, min(longest, size) + 1))
    start = int(choice.integers(0, size - length + 1))
    return start, start + length
