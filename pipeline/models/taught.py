"""A tagger taught by examples: another network's embedding, and a linear head on it.

The head reads the embedding averaged over a track's chunks, which is what tables store, so that a
stored embedding gives the same scores as the audio. A chunk's own scores are the head's on the
chunk's embedding.

Shapes: N chunks or tracks, E embedding, K tags.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn

from pipeline.models.layers import Output

SUFFIX = "+linear"
"""Of the architecture's name: `musicnn_original+linear` is such a head on musicnn_original."""
OWN = ("base_tags", "num_embedding")
"""Parameters beside the base's: outputs of the base network, and the embedding's length."""


class TaughtTagger(nn.Module):
    """A network without its own tags, and the head."""

    def __init__(self, base: nn.Module, *, num_embedding: int, num_tags: int) -> None:
        super().__init__()
        self.base = base
        self.head = nn.Linear(num_embedding, num_tags)

    def forward(self, mel_NMF: Tensor) -> Output:
        """The head's logits, and the base's embedding."""
        embedding_NE = self.base(mel_NMF).embedding_NE
        return Output(self.head(embedding_NE.float()), embedding_NE)

    def track_scores(self, embedding_E: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (K,) of a track by its averaged embedding."""
        weight_KE, bias_K = (p.detach().cpu().numpy() for p in (self.head.weight, self.head.bias))
        scores_NK = head_scores(embedding_E[None], weight_KE=weight_KE, bias_K=bias_K)
        return np.ascontiguousarray(scores_NK[0])


def head_scores(
    embeddings_NE: NDArray[np.float32],
    *,
    weight_KE: NDArray[np.float32],
    bias_K: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scores (N, K), 0 to 1; summed in float64, so that they do not depend on N."""
    logits_NK = embeddings_NE.astype(np.float64) @ weight_KE.T.astype(np.float64) + bias_K
    scores_NK: NDArray[np.float32] = np.asarray(expit(logits_NK), dtype=np.float32)
    return scores_NK
