"""A linear tagger on the mean mel: the smallest network, for tests and as a baseline.

Shapes: N chunks, M mel bands, F frames, K tags, E = M.
"""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.models.layers import Output


class LinearTagger(nn.Module):
    """Mean over frames, one dense layer; chunks may have any number of frames."""

    def __init__(self, *, num_tags: int, n_mels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(n_mels, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the mean mel that they are read from."""
        embedding_NE = mel_NMF.mean(2)
        return Output(self.dense(embedding_NE), embedding_NE)
