"""The small CNN for single notes: a square of 64 mel bands and 64 frames, which is 4 s.

Four convolutions with batch norm, ReLU and a maximum over 2 x 2, an average over what is left of
time, two dense layers. The first kernels are 5 x 5, large enough to be looked at.

Shapes: N chunks, M = 64 mel bands, F frames, C channels, K tags, E = 128.
"""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.models.layers import Output


class NoteBlock(nn.Module):
    """Convolution, batch norm, ReLU, maximum over 2 x 2."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x_NCMF: Tensor) -> Tensor:
        """Half the bands and half the frames."""
        y_NCMF: Tensor = self.pool(self.bn(self.conv(x_NCMF)).relu_())
        return y_NCMF


class NoteCnn(nn.Module):
    """127,725 parameters at 11 tags; at least 16 frames."""

    def __init__(self, *, num_tags: int, n_mels: int = 64) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layer1 = NoteBlock(1, 32, kernel_size=5)
        self.layer2 = NoteBlock(32, 64, kernel_size=3)
        self.layer3 = NoteBlock(64, 64, kernel_size=3)
        self.layer4 = NoteBlock(64, 64, kernel_size=3)
        self.dense1 = nn.Linear(64 * (n_mels // 16), 128)
        self.dropout = nn.Dropout()
        self.dense2 = nn.Linear(128, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the hidden dense layer that they are read from."""
        x_NCMF = self.spec_bn(mel_NMF.unsqueeze(1))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x_NCMF = layer(x_NCMF)
        embedding_NE = self.dense1(x_NCMF.mean(3).flatten(1)).relu()
        return Output(self.dense2(self.dropout(embedding_NE)), embedding_NE)
