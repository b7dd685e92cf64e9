"""Self-attention tagger, CNNSA (Won et al. 2019, arXiv 1906.04972): a CNN, then a transformer.

In the form that sota-music-tagging-models published: seven residual blocks, two layers of BERT's
encoder (Devlin et al. 2018, arXiv 1810.04805) without positions, and a summary token whose
embedding is fixed random numbers.

Shapes: N chunks, M = 128 mel bands, F frames (published: 938), S tokens (the frames that are left,
and the summary), H heads, D = E = 2 * num_channels, K tags.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.models.layers import Output, ResBlock2d

NUM_HEADS, NUM_LAYERS = 8, 2
HIDDEN_DROPOUT, ATTENTION_DROPOUT = 0.4, 0.5
EPSILON = 1e-12
SUMMARY_SEED = 0
"""The published code draws the summary token with numpy.random.seed(0) and does not store it."""


class SelfAttention(nn.Module):
    """Scaled dot products between all tokens, in eight heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, x_NSD: Tensor) -> Tensor:
        """What each token takes from the others (N, S, D)."""
        query, key, value = (
            project(x_NSD).reshape(*x_NSD.shape[:2], NUM_HEADS, -1).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        dropout = ATTENTION_DROPOUT if self.training else 0.0
        y_NHSD = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return y_NHSD.transpose(1, 2).flatten(2)


class AddAndNorm(nn.Module):
    """A dense layer's output added to what came before, and normalised."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(in_width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPSILON)
        self.dropout = nn.Dropout(HIDDEN_DROPOUT)

    def forward(self, x_NSD: Tensor, before_NSD: Tensor) -> Tensor:
        """(N, S, D)."""
        y_NSD: Tensor = self.LayerNorm(self.dropout(self.dense(x_NSD)) + before_NSD)
        return y_NSD


class Attention(nn.Module):
    """Self-attention, added and normalised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.add_module("self", SelfAttention(width))  # the published key is a word of Python
        self.output = AddAndNorm(width, width)

    def forward(self, x_NSD: Tensor) -> Tensor:
        """(N, S, D)."""
        y_NSD: Tensor = self.output(self.get_submodule("self")(x_NSD), x_NSD)
        return y_NSD


class Intermediate(nn.Module):
    """Four times as wide, under the exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, 4 * width)

    def forward(self, x_NSD: Tensor) -> Tensor:
        """(N, S, 4 D)."""
        return functional.gelu(self.dense(x_NSD))


class EncoderLayer(nn.Module):
    """BERT's layer, normalised after each part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.intermediate = Intermediate(width)
        self.output = AddAndNorm(4 * width, width)

    def forward(self, x_NSD: Tensor) -> Tensor:
        """(N, S, D)."""
        x_NSD = self.attention(x_NSD)
        y_NSD: Tensor = self.output(self.intermediate(x_NSD), x_NSD)
        return y_NSD


class Encoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.ModuleList(EncoderLayer(width) for _ in range(NUM_LAYERS))

    def forward(self, x_NSD: Tensor) -> Tensor:
        """(N, S, D)."""
        for layer in self.layer:
            x_NSD = layer(x_NSD)
        return x_NSD


class Pooler(nn.Module):
    """The summary token's last state, squashed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, x_NSD: Tensor) -> Tensor:
        """(N, D)."""
        y_ND: Tensor = self.dense(x_NSD[:, 0]).tanh()
        return y_ND


class AttentionTagger(nn.Module):
    """Residual blocks until one band is left, then attention; 10,521,652 parameters at 50 tags.

    Args:
        num_tags: outputs.
        num_channels: of the first blocks; 128 is the published width. The tokens have twice as
            many, which eight heads share.
    """

    summary_11D: Tensor

    def __init__(self, *, num_tags: int, num_channels: int = 128) -> None:
        super().__init__()
        c, width = num_channels, 2 * num_channels
        self.spec_bn = nn.BatchNorm2d(1)
        for i, (a, b) in enumerate([(1, c), (c, c), (c, width)], start=1):
            self.add_module(f"layer{i}", ResBlock2d(a, b))
        for i in range(4, 8):
            self.add_module(f"layer{i}", ResBlock2d(width, width, stride=(2, 1)))
        self.encoder = Encoder(width)
        self.pooler = Pooler(width)
        self.dropout = nn.Dropout()
        self.dense = nn.Linear(width, num_tags)
        summary = np.random.RandomState(SUMMARY_SEED).random_sample((1, 1, width))
        self.register_buffer("summary_11D", torch.tensor(summary).float(), persistent=False)

    def forward(self, mel_NMF: Tensor) -> Output:
        """Logits, and the pooled summary that they are read from; any number of frames."""
        x_NCMF = self.spec_bn(mel_NMF.unsqueeze(1))
        for i in range(1, 8):
            x_NCMF = self.get_submodule(f"layer{i}")(x_NCMF)
        frames_NSD = x_NCMF.squeeze(2).transpose(1, 2)
        summary_N1D = self.summary_11D.to(frames_NSD.dtype).expand(len(frames_NSD), 1, -1)
        states_NSD = self.encoder(torch.cat((summary_N1D, frames_NSD), dim=1))
        embedding_NE = self.pooler(states_NSD)
        return Output(self.dense(self.dropout(embedding_NE)), embedding_NE)
