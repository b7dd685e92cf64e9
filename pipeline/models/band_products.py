"""Convolution of the mel and maximum over bands as plain matrix products, for bfloat16 units.

Units for bfloat16 matrices (Intel's AMX, AVX-512 bf16) multiply so fast that the transform of
band_max.py, which saves multiplications, would wait for memory. Here every position is multiplied:
a window over time is a row whose bands lie side by side, so that the window over bands is a slice
of it. Several positions share a slice, and a block of weights with zeros gives them all in one
product: less is copied, and the product is wider. Work goes in tiles that a core's cache holds.

Measured on two cores with AMX, ten chunks of musicnn, one thread: the tall filters 42 and 30 ms
(290 and 360 GFLOP/s, of 600 to 900 in bare products of the same shapes), the flat ones 29 ms; as
the transform in float32 all five take 240 ms.

Shapes: N chunks, M mel bands, F frames, C filters, H a filter's bands, W its frames, P positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITIONS_TOGETHER = 2
FRAMES_TOGETHER = 16
TILE_ROWS = 32
"""Of 2, 4, 6 and 8 positions, 1 to 16 frames and 8 to 64 rows these took the least time."""


def strongest(mel_NMF: Tensor, weight_CHW: Tensor) -> Tensor:
    """The largest response over bands (N, C, F), in the dtype of the weights.

    Args:
        mel_NMF: what is convolved, with as many frames as the result has.
        weight_CHW: of the filters; products are made in its dtype.
    """
    mel_NMF = mel_NMF.to(weight_CHW.dtype)
    if weight_CHW.shape[1] == 1:
        return _flat(mel_NMF, weight_CHW.squeeze(1))
    return _tall(mel_NMF, weight_CHW)


def _tall(mel_NMF: Tensor, weight_CHW: Tensor) -> Tensor:
    num_chunks, num_bands, num_frames = mel_NMF.shape
    num_filters, height, width = weight_CHW.shape
    num_positions = num_bands - height + 1
    num_slices = -(-num_positions // POSITIONS_TOGETHER)
    padded_bands = num_slices * POSITIONS_TOGETHER + height - 1
    pad = ((width - 1) // 2, width // 2, 0, padded_bands - num_bands)
    windows_NMFW = nn.functional.pad(mel_NMF, pad).unfold(2, width, 1)
    rows = windows_NMFW.permute(0, 2, 1, 3).reshape(num_chunks * num_frames, -1)
    blocks = _blocks(weight_CHW, positions=POSITIONS_TOGETHER)
    strongest = rows.new_empty(len(rows), num_filters)
    for start in range(0, len(rows), TILE_ROWS):
        tile = rows[start : start + TILE_ROWS]
        slices = tile.as_strided(
            (len(tile), num_slices, len(blocks)),
            (tile.shape[1], POSITIONS_TOGETHER * width, 1),
            tile.storage_offset(),
        )
        answers = (slices.reshape(-1, len(blocks)) @ blocks).view(len(tile), -1, num_filters)
        torch.amax(answers[:, :num_positions], 1, out=strongest[start : start + TILE_ROWS])
    return strongest.view(num_chunks, num_frames, num_filters).transpose(1, 2)


def _flat(mel_NMF: Tensor, weight_CW: Tensor) -> Tensor:
    _, num_bands, num_frames = mel_NMF.shape
    num_filters, width = weight_CW.shape
    num_slices = -(-num_frames // FRAMES_TOGETHER)
    length = num_slices * FRAMES_TOGETHER + width - 1
    before = (width - 1) // 2
    blocks = _blocks(weight_CW[:, :, None], positions=FRAMES_TOGETHER)
    maxima = []
    for frames_ML in nn.functional.pad(mel_NMF, (before, length - num_frames - before)):
        slices = frames_ML.as_strided(
            (num_bands, num_slices, len(blocks)),
            (length, FRAMES_TOGETHER, 1),
            frames_ML.storage_offset(),
        )
        answers = (slices.reshape(-1, len(blocks)) @ blocks).view(num_bands, -1)
        maxima.append(answers.amax(0).view(-1, num_filters)[:num_frames])
    return torch.stack(maxima).transpose(1, 2)


def _blocks(weight_CHW: Tensor, *, positions: int) -> Tensor:
    """Weights ((H + positions - 1) * W, positions * C): the filters, each time one band on."""
    num_filters, height, width = weight_CHW.shape
    blocks = weight_CHW.new_zeros(height + positions - 1, width, positions, num_filters)
    for position in range(positions):
        blocks[position : position + height, :, position] = weight_CHW.permute(1, 2, 0)
    return blocks.view(-1, positions * num_filters)
