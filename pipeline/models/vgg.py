"""The VGG of the musicnn package: five 3 x 3 convolutions on the log mel of 3 s.

`TENSORFLOW_NAMES` gives, for each module here, the checkpoint's variables that fill it.

Shapes: N chunks, M = 96 mel bands, F = 187 frames, C = 128 channels, K tags, E = 256.
"""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.models.layers import Output
from pipeline.models.musicnn_original import EPSILON

TENSORFLOW_NAMES = {
    "input_bn": "batch_normalization",
    "layers.0.conv": "1CNN",
    "layers.0.bn": "batch_normalization_1",
    "layers.1.conv": "2CNN",
    "layers.1.bn": "batch_normalization_2",
    "layers.2.conv": "3CNN",
    "layers.2.bn": "batch_normalization_3",
    "layers.3.conv": "4CNN",
    "layers.3.bn": "batch_normalization_4",
    "layers.4.conv": "5CNN",
    "layers.4.bn": "batch_normalization_5",
    "output": "dense",
}


class VggBlock(nn.Module):
    """A 3 x 3 convolution over bands and frames, ReLU, batch norm, maximum, dropout."""

    def __init__(self, in_channels: int, *, pool: tuple[int, int], stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 128, 3, padding=1)
        self.bn = nn.BatchNorm2d(128, eps=EPSILON)
        self.pool = nn.MaxPool2d(pool, stride=stride)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x_NCMF: Tensor) -> Tensor:
        """The block on a map (N, C, M, F)."""
        y_NCMF: Tensor = self.dropout(self.pool(self.bn(self.conv(x_NCMF).relu_())))
        return y_NCMF


class Vgg(nn.Module):
    """Five blocks that pool 96 bands of 187 frames to 1 by 2; 605,746 parameters at 50 tags."""

    def __init__(self, *, num_tags: int) -> None:
        super().__init__()
        self.input_bn = nn.BatchNorm2d(1, eps=EPSILON)
        self.layers = nn.ModuleList(
            [
                VggBlock(1, pool=(1, 4), stride=2),
                VggBlock(128, pool=(2, 2), stride=2),
                VggBlock(128, pool=(2, 2), stride=2),
                VggBlock(128, pool=(2, 2), stride=2),
                VggBlock(128, pool=(4, 4), stride=4),
            ]
        )
        self.dropout = nn.Dropout()
        self.output = nn.Linear(256, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the last block's output flattened (published as pool5)."""
        x_NCMF = self.input_bn(mel_NMF.unsqueeze(1))
        for layer in self.layers:
            x_NCMF = layer(x_NCMF)
        # TensorFlow flattens frames, bands, channels.
        embedding_NE = x_NCMF.permute(0, 3, 2, 1).flatten(1)
        return Output(self.output(self.dropout(embedding_NE)), embedding_NE)
