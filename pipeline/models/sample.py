"""Sample-level CNN (Lee et al. 2017, arXiv 1703.01789): filters of three samples on the wave.

In the form that sota-music-tagging-models published; with squeeze and excitation: sample_se.py.

Shapes: N chunks, T samples (published: 59,049 = 3^10), C channels, K tags, E = 4 * num_channels.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from pipeline.models.layers import ConvBlock1d, Output


class SampleCnn(nn.Module):
    """Eleven layers, of which ten divide time by three; 1,869,874 parameters at 50 tags.

    Args:
        num_tags: outputs.
        num_channels: of the first layers; 128 is the published width.
    """

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        super().__init__()
        for i, (width, (kernel_size, stride, pool)) in enumerate(sample_layers(num_channels), 1):
            layer = ConvBlock1d(*width, kernel_size=kernel_size, stride=stride, pool=pool)
            self.add_module(f"layer{i}", layer)
        self.dropout = nn.Dropout()
        self.dense = nn.Linear(4 * num_channels, num_tags)

    def forward(self, wave_N1T: Tensor) -> Output:
        """Logits, and the last layer's channels that they are read from.

        At the published length one moment is left of time; of longer chunks, the strongest.
        """
        x_NCT = wave_N1T
        for i in range(1, 12):
            x_NCT = self.get_submodule(f"layer{i}")(x_NCT)
        embedding_NE = x_NCT.amax(2)
        return Output(self.dense(self.dropout(embedding_NE)), embedding_NE)


Width = tuple[int, int]
Steps = tuple[int, int, int]


def sample_layers(c: int) -> list[tuple[Width, Steps]]:
    """Of the eleven layers: channels in and out; kernel size, stride and pool."""
    widths = [1, c, c, c, *[2 * c] * 6, 4 * c, 4 * c]
    steps = [(3, 3, 1), *[(3, 1, 3)] * 9, (1, 1, 1)]
    return list(zip(itertools.pairwise(widths), steps, strict=True))
