"""Blocks that several networks share, under the published state-dict names.

The blocks of sota-music-tagging-models (arXiv 2006.00751): convolution, batch norm, ReLU, pooling.

Shapes: N chunks, M mel bands, F frames, C channels, K tags, E embedding.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from pipeline.models.band_max import band_max


class Output(NamedTuple):
    """What every network returns: logits before the sigmoid, and the layer named as embedding."""

    logits_NK: Tensor
    embedding_NE: Tensor


class ConvBlock1d(nn.Module):
    """Convolution over time, then a maximum over pool: (N, C, F) to (N, out_channels, ...)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int = 1,
        pool: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, stride, kernel_size // 2)
        self.bn = nn.BatchNorm1d(out_channels)
        self.pool = pool

    def forward(self, x_NCF: Tensor) -> Tensor:
        """Convolution, batch norm, ReLU, maximum."""
        y_NCF: Tensor = self.bn(self.conv(x_NCF)).relu_()
        return y_NCF if self.pool == 1 else max_pool1d(y_NCF, self.pool)


class ConvBlock2d(nn.Module):
    """A 3 x 3 convolution over bands and frames, then a maximum over pool; the rest is dropped."""

    def __init__(self, in_channels: int, out_channels: int, *, pool: int | tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x_NCMF: Tensor) -> Tensor:
        """Convolution, batch norm, ReLU, maximum."""
        y_NCMF: Tensor = self.pool(self.bn(self.conv(x_NCMF)).relu_())
        return y_NCMF


class ResBlock2d(nn.Module):
    """Two 3 x 3 convolutions and a shortcut; the stride halves bands and frames, rounding up.

    The published shortcut is a 3 x 3 convolution too, and stands where the shape changes.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int | tuple[int, int] = 2
    ) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.bn_1 = nn.BatchNorm2d(out_channels)
        self.conv_2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(out_channels)
        self.reshapes = stride not in (1, (1, 1)) or in_channels != out_channels
        if self.reshapes:
            self.conv_3 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
            self.bn_3 = nn.BatchNorm2d(out_channels)

    def forward(self, x_NCMF: Tensor) -> Tensor:
        """The sum of both ways, ReLU."""
        y_NCMF = self.bn_2(self.conv_2(self.bn_1(self.conv_1(x_NCMF)).relu_()))
        short_NCMF = self.bn_3(self.conv_3(x_NCMF)) if self.reshapes else x_NCMF
        sum_NCMF: Tensor = (y_NCMF + short_NCMF).relu_()
        return sum_NCMF


class VerticalConv(nn.Module):
    """Timbre: tall filters and their strongest band position, (N, 1, M, F) to (N, C, F).

    The published order is batch norm, ReLU, maximum.
    """

    def __init__(self, out_channels: int, *, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, out_channels, kernel_size, padding=(0, kernel_size[1] // 2))
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, mel_N1MF: Tensor) -> Tensor:
        """The strongest response of each filter in each frame."""
        if self.training or mel_N1MF.is_cuda:
            y_NCMF: Tensor = self.bn(self.conv(mel_N1MF)).relu_()
            return y_NCMF.amax(2)
        y_NCF = band_max(mel_N1MF.squeeze(1), conv=self.conv, scale=self.bn.weight)
        return eval_norm(y_NCF, bn=self.bn).relu_()


class HorizontalConv(nn.Module):
    """Rhythm: long filters over the mean of all bands: (N, 1, M, F) to (N, C, F)."""

    def __init__(self, out_channels: int, *, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, out_channels, kernel_size, padding=kernel_size // 2)
        self.bn = nn.BatchNorm1d(out_channels)

    def forward(self, mel_N1MF: Tensor) -> Tensor:
        """Mean over bands, convolution, batch norm, ReLU."""
        y_NCF: Tensor = self.bn(self.conv(mel_N1MF.mean(2))).relu_()
        return y_NCF


def eval_norm(x_NCF: Tensor, *, bn: nn.BatchNorm2d) -> Tensor:
    """What a batch norm of maps does in evaluation, to maps whose bands are reduced already."""
    return nn.functional.batch_norm(
        x_NCF, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=bn.eps
    )
