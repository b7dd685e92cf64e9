"""Convolutional recurrent network (Choi et al. 2017, arXiv 1609.04243).

In the form that sota-music-tagging-models published.

Shapes: N chunks, M = 96 mel bands, F frames (published: 1813), K tags, E = 32.
"""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.models.layers import ConvBlock2d, Output


class CRNN(nn.Module):
    """Four convolutions and two gated recurrent layers; 394,100 parameters at 50 tags.

    The pools fix 96 bands; any number of frames from 96 on works.
    """

    def __init__(self, *, num_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layer1 = ConvBlock2d(1, 64, pool=2)
        self.layer2 = ConvBlock2d(64, 128, pool=3)
        self.layer3 = ConvBlock2d(128, 128, pool=4)
        self.layer4 = ConvBlock2d(128, 128, pool=4)
        self.layer5 = nn.GRU(128, 32, num_layers=2, batch_first=True)
        self.dropout = nn.Dropout()
        self.dense = nn.Linear(32, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the recurrent state after the last step that they are read from."""
        x_NCMF = self.spec_bn(mel_NMF.unsqueeze(1))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x_NCMF = layer(x_NCMF)
        states_NFE, _ = self.layer5(x_NCMF.squeeze(2).transpose(1, 2))
        embedding_NE = states_NFE[:, -1]
        return Output(self.dense(self.dropout(embedding_NE)), embedding_NE)
