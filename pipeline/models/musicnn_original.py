"""musicnn (Pons and Serra 2019, arXiv 1909.06654) as its TensorFlow package has it.

`TENSORFLOW_NAMES` gives, for each module here, the checkpoint's variables that fill it.

Shapes: N chunks, M mel bands, F frames (published: 187), C channels, K tags, E embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.models.band_max import band_max
from pipeline.models.layers import Output, eval_norm

EPSILON = 1e-3  # of TensorFlow's batch norms

TENSORFLOW_NAMES = {
    "input_bn": "batch_normalization",
    "front.0.conv": "conv2d",
    "front.0.bn": "batch_normalization_1",
    "front.1.conv": "conv2d_1",
    "front.1.bn": "batch_normalization_2",
    "front.2.conv": "conv2d_2",
    "front.2.bn": "batch_normalization_3",
    "front.3.conv": "conv2d_3",
    "front.3.bn": "batch_normalization_4",
    "front.4.conv": "conv2d_4",
    "front.4.bn": "batch_normalization_5",
    "middle.0.conv": "conv2d_5",
    "middle.0.bn": "batch_normalization_6",
    "middle.1.conv": "conv2d_6",
    "middle.1.bn": "batch_normalization_7",
    "middle.2.conv": "conv2d_7",
    "middle.2.bn": "batch_normalization_8",
    "pooled_bn": "batch_normalization_9",
    "dense": "dense",
    "dense_bn": "batch_normalization_10",
    "output": "dense_1",
}


class BandMaxConv(nn.Module):
    """Filters over the mel and their strongest band position: (N, M, F) to (N, C, F).

    The published order is convolution, ReLU, batch norm, maximum over bands.
    """

    def __init__(self, out_channels: int, *, num_bands: int, num_frames: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, out_channels, (num_bands, num_frames))
        self.bn = nn.BatchNorm2d(out_channels, eps=EPSILON)

    def forward(self, mel_NMF: Tensor) -> Tensor:
        """The strongest response of each filter in each frame."""
        if self.training or mel_NMF.is_cuda:
            return self.plain(mel_NMF)
        y_NCF = band_max(mel_NMF, conv=self.conv, scale=self.bn.weight)
        return eval_norm(y_NCF.relu_(), bn=self.bn)

    def plain(self, mel_NMF: Tensor) -> Tensor:
        """The same through the map of all bands, which training needs for its statistics."""
        num_frames = self.conv.kernel_size[1]
        padded = nn.functional.pad(mel_NMF, ((num_frames - 1) // 2, num_frames // 2))
        y_NCMF: Tensor = self.bn(self.conv(padded.unsqueeze(1)).relu_())
        return y_NCMF.amax(2)


class TimeConv(nn.Module):
    """Convolution over 7 frames, ReLU, batch norm: (N, C, F) to (N, out_channels, F)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, 7, padding=3)
        self.bn = nn.BatchNorm1d(out_channels, eps=EPSILON)

    def forward(self, x_NCF: Tensor) -> Tensor:
        """Convolution, ReLU, batch norm."""
        y_NCF: Tensor = self.bn(self.conv(x_NCF).relu_())
        return y_NCF


class MusicnnOriginal(nn.Module):
    """Musically motivated front, dense middle, pooled back.

    Args:
        num_tags: outputs.
        n_mels: mel bands; the tall filters span 40 % and 70 % of them.
        num_channels: of the middle: 64, or 512 for MSD_musicnn_big.
        num_dense: units before the output: 200, or 500.
    """

    def __init__(
        self, *, num_tags: int, n_mels: int = 96, num_channels: int = 64, num_dense: int = 200
    ) -> None:
        super().__init__()
        self.input_bn = nn.BatchNorm2d(1, eps=EPSILON)
        tall = [BandMaxConv(204, num_bands=part * n_mels // 10, num_frames=7) for part in (4, 7)]
        flat = [BandMaxConv(51, num_bands=1, num_frames=frames) for frames in (128, 64, 32)]
        self.front = nn.ModuleList(tall + flat)
        self.middle = nn.ModuleList(
            [TimeConv(561, num_channels)] + [TimeConv(num_channels, num_channels) for _ in range(2)]
        )
        num_pooled = 2 * (561 + 3 * num_channels)
        self.pooled_bn = nn.BatchNorm1d(num_pooled, eps=EPSILON)
        self.dense = nn.Linear(num_pooled, num_dense)
        self.dense_bn = nn.BatchNorm1d(num_dense, eps=EPSILON)
        self.dropout = nn.Dropout()
        self.output = nn.Linear(num_dense, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the maximum over time of front and middle (published as max_pool)."""
        mel_NMF = self.input_bn(mel_NMF.unsqueeze(1)).squeeze(1)
        front_NCF = torch.cat([layer(mel_NMF) for layer in self.front], dim=1)
        first_NCF = self.middle[0](front_NCF)
        second_NCF = self.middle[1](first_NCF) + first_NCF
        third_NCF = self.middle[2](second_NCF) + second_NCF
        all_NCF = torch.cat((front_NCF, first_NCF, second_NCF, third_NCF), dim=1)
        max_NC = all_NCF.amax(2)
        # Published as a concatenation on a last axis of one, flattened: max0, mean0, max1, ...
        pooled_NC = torch.stack((max_NC, all_NCF.mean(2)), dim=2).flatten(1)
        dense_NC = self.dense_bn(self.dense(self.dropout(self.pooled_bn(pooled_NC))).relu())
        return Output(self.output(self.dropout(dense_NC)), max_NC)
