"""musicnn as sota-music-tagging-models has it: the PyTorch variant on a decibel mel.

It differs from the original (musicnn_original.py) in more than the library: odd temporal kernels
over the mean of all bands, batch norm before ReLU, and no batch norm on the pooled vector.

Shapes: N chunks, M mel bands, F frames (published: 188), C channels, K tags, E dense units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.models.layers import ConvBlock1d, HorizontalConv, Output, VerticalConv


class Musicnn(nn.Module):
    """Musically motivated front, dense middle, pooled back; 784,300 parameters as published.

    Args:
        num_tags: outputs.
        n_mels: mel bands; the tall filters span 70 % and 40 % of them.
        num_channels: of the middle: 64, or 512 for the Million Song Dataset.
        num_dense: units before the output: 200, or 500.
    """

    def __init__(
        self, *, num_tags: int, n_mels: int = 96, num_channels: int = 64, num_dense: int = 200
    ) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layers = nn.ModuleList(
            [
                VerticalConv(204, kernel_size=(7 * n_mels // 10, 7)),
                VerticalConv(204, kernel_size=(4 * n_mels // 10, 7)),
                HorizontalConv(51, kernel_size=129),
                HorizontalConv(51, kernel_size=65),
                HorizontalConv(51, kernel_size=33),
            ]
        )
        self.layer1 = ConvBlock1d(561, num_channels, kernel_size=7)
        self.layer2 = ConvBlock1d(num_channels, num_channels, kernel_size=7)
        self.layer3 = ConvBlock1d(num_channels, num_channels, kernel_size=7)
        self.dense1 = nn.Linear(2 * (561 + 3 * num_channels), num_dense)
        self.bn = nn.BatchNorm1d(num_dense)
        self.dropout = nn.Dropout()
        self.dense2 = nn.Linear(num_dense, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the dense layer that they are read from."""
        mel_N1MF = self.spec_bn(mel_NMF.unsqueeze(1))
        front_NCF = torch.cat([layer(mel_N1MF) for layer in self.layers], dim=1)
        first_NCF = self.layer1(front_NCF)
        second_NCF = self.layer2(first_NCF) + first_NCF
        third_NCF = self.layer3(second_NCF) + second_NCF
        all_NCF = torch.cat((front_NCF, first_NCF, second_NCF, third_NCF), dim=1)
        pooled_NC = torch.cat((all_NCF.amax(2), all_NCF.mean(2)), dim=1)
        embedding_NE = self.bn(self.dense1(pooled_NC)).relu()
        return Output(self.dense2(self.dropout(embedding_NE)), embedding_NE)
