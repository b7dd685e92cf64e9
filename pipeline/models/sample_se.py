"""Sample-level CNN with squeeze and excitation (Kim et al. 2018, arXiv 1710.10451).

In the form that sota-music-tagging-models published: residual blocks, and excitation without a
bottleneck.

Shapes: N chunks, T samples (published: 59,049), C channels, K tags, E = 4 * num_channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from pipeline.models.layers import Output
from pipeline.models.sample import sample_layers


class ExcitedBlock1d(nn.Module):
    """Two convolutions whose channels are weighed by their own means, a shortcut, a maximum."""

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int, stride: int, pool: int
    ) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.conv_1 = nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding)
        self.bn_1 = nn.BatchNorm1d(out_channels)
        self.conv_2 = nn.Conv1d(out_channels, out_channels, kernel_size, padding=padding)
        self.bn_2 = nn.BatchNorm1d(out_channels)
        self.dense1 = nn.Linear(out_channels, out_channels)
        self.dense2 = nn.Linear(out_channels, out_channels)
        self.reshapes = stride != 1 or in_channels != out_channels
        if self.reshapes:
            self.conv_3 = nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding)
            self.bn_3 = nn.BatchNorm1d(out_channels)
        self.pool = pool

    def forward(self, x_NCT: Tensor) -> Tensor:
        """The sum of both ways, ReLU, maximum: (N, out_channels, T / stride / pool)."""
        y_NCT = self.bn_2(self.conv_2(self.bn_1(self.conv_1(x_NCT)).relu_()))
        weight_NC = self.dense2(self.dense1(y_NCT.mean(2)).relu_()).sigmoid()
        short_NCT = self.bn_3(self.conv_3(x_NCT)) if self.reshapes else x_NCT
        return max_pool1d((short_NCT + y_NCT * weight_NC.unsqueeze(2)).relu_(), self.pool)


class SampleSe(nn.Module):
    """The layers of SampleCnn as excited blocks, and two dense ones; 6,951,858 parameters."""

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        super().__init__()
        for i, (ends, (kernel_size, stride, pool)) in enumerate(sample_layers(num_channels), 1):
            layer = ExcitedBlock1d(*ends, kernel_size=kernel_size, stride=stride, pool=pool)
            self.add_module(f"layer{i}", layer)
        width = 4 * num_channels
        self.dense1 = nn.Linear(width, width)
        self.bn = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout()
        self.dense2 = nn.Linear(width, num_tags)

    def forward(self, wave_N1T: Tensor) -> Output:
        """Logits, and the hidden dense layer that they are read from."""
        x_NCT = wave_N1T
        for i in range(1, 12):
            x_NCT = self.get_submodule(f"layer{i}")(x_NCT)
        embedding_NE = self.bn(self.dense1(x_NCT.amax(2))).relu_()
        return Output(self.dense2(self.dropout(embedding_NE)), embedding_NE)
