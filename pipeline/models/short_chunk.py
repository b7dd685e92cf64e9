"""Short-chunk CNN, plain and residual (Won et al. 2020, arXiv 2006.00751).

Seven layers of 3 x 3 convolutions over 3.69 s, a maximum over what is left of time, two dense
layers. `num_channels` scales the width; 128 is the published one.

Shapes: N chunks, M = 128 mel bands, F frames, C channels, K tags, E = 4 * num_channels.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from pipeline.models.layers import ConvBlock2d, Output, ResBlock2d


class ShortChunkBase(nn.Module):
    """What both have on top of their layers."""

    def __init__(self, layers: list[nn.Module], *, num_tags: int, num_channels: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        for i, layer in enumerate(layers, start=1):
            self.add_module(f"layer{i}", layer)
        width = 4 * num_channels
        self.dense1 = nn.Linear(width, width)
        self.bn = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout()
        self.dense2 = nn.Linear(width, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the hidden dense layer that they are read from.

        Bands must shrink to one (65 to 128 of them do); frames may be any number from 128 up in
        the plain network, from one in the residual one.
        """
        x_NCMF = self.spec_bn(mel_NMF.unsqueeze(1))
        for i in range(1, 8):
            x_NCMF = self.get_submodule(f"layer{i}")(x_NCMF)
        embedding_NE = self.bn(self.dense1(x_NCMF.amax((2, 3)))).relu_()
        return Output(self.dense2(self.dropout(embedding_NE)), embedding_NE)


class ShortChunk(ShortChunkBase):
    """Convolution, batch norm, ReLU, maximum; 3,687,348 parameters at 50 tags."""

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        layers: list[nn.Module] = [ConvBlock2d(a, b, pool=2) for a, b in _widths(num_channels)]
        super().__init__(layers, num_tags=num_tags, num_channels=num_channels)


class ShortChunkRes(ShortChunkBase):
    """Residual blocks of stride 2; 12,104,244 parameters at 50 tags."""

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        layers: list[nn.Module] = [ResBlock2d(a, b) for a, b in _widths(num_channels)]
        super().__init__(layers, num_tags=num_tags, num_channels=num_channels)


def _widths(c: int) -> list[tuple[int, int]]:
    """Channels in and out of the seven layers."""
    widths = [1, c, c, 2 * c, 2 * c, 2 * c, 2 * c, 4 * c]
    return list(itertools.pairwise(widths))
