"""Fully convolutional network (Choi et al. 2016, arXiv 1606.00298).

In the form that sota-music-tagging-models published.

Shapes: N chunks, M = 96 mel bands, F frames (published: 1813), K tags, E = 64.
"""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.models.layers import ConvBlock2d, Output


class FCN(nn.Module):
    """Five convolutions that pool a chunk of 29 s to one point; 447,732 parameters at 50 tags.

    The pools fix 96 bands and need 1,280 frames (20.5 s); of longer chunks the strongest point of
    each channel is taken, where the published code knows one length only.
    """

    def __init__(self, *, num_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layer1 = ConvBlock2d(1, 64, pool=(2, 4))
        self.layer2 = ConvBlock2d(64, 128, pool=(2, 4))
        self.layer3 = ConvBlock2d(128, 128, pool=(2, 4))
        self.layer4 = ConvBlock2d(128, 128, pool=(3, 5))
        self.layer5 = ConvBlock2d(128, 64, pool=(4, 4))
        self.dropout = nn.Dropout()
        self.dense = nn.Linear(64, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the 64 pooled channels that they are read from."""
        x_NCMF = self.spec_bn(mel_NMF.unsqueeze(1))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5):
            x_NCMF = layer(x_NCMF)
        embedding_NE = x_NCMF.amax((2, 3))
        return Output(self.dense(self.dropout(embedding_NE)), embedding_NE)
