"""A convolution of the mel and the maximum over its bands, without the map between, on one CPU.

musicnn's first layers take the mel as a map of one channel and keep only the strongest band
position. A library convolution with one input channel leaves most of the vector units idle, so
both kinds of filter become matrix products of the same numbers (to rounding, see the tests):

Tall filters (several bands): along the band axis a correlation is a product in the discrete
Fourier transform. With M points the wrap-around reaches no position that counts. Each filter's
transform is turned by a phase so that the P positions lie symmetrically about 0: positions +p and
-p then share an even part a and have odd parts +b and -b, and the larger of the two is a + |b|.
That halves the inverse transform, and the whole takes a quarter of the direct multiplications.

Flat filters (one band, many frames): a window of the transposed mel is a matrix in place already,
so each output frame is one product with no copy.

Filters whose weights are bfloat16 take the way of band_products.py.

What follows the convolution (bias, ReLU, batch norm) is monotone in each channel, and falls where
the batch norm's scale is negative. There the maximum after it is the minimum before it.

Shapes: N chunks, M mel bands, F frames, C filters, H a filter's bands, W its frames, P = M - H + 1
positions, B = M // 2 + 1 frequencies of the transform.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline.models.band_products import strongest


def band_max(mel_NMF: Tensor, *, conv: nn.Conv2d, scale: Tensor) -> Tensor:
    """The response that is the largest after a batch norm of this scale: (N, C, F).

    Args:
        mel_NMF: the network input.
        conv: a convolution with one input channel that keeps the number of frames.
        scale: weight of the batch norm that follows (C,); only its sign counts.
    """
    num_frames = conv.weight.shape[3]
    sign_C1 = torch.where(scale < 0, -1.0, 1.0).to(conv.weight.dtype)[:, None]
    weight_CHW = conv.weight.squeeze(1) * sign_C1[:, :, None]
    padded_NML = nn.functional.pad(mel_NMF, ((num_frames - 1) // 2, num_frames // 2))
    if weight_CHW.dtype is not torch.float32:
        strongest_NCF = strongest(mel_NMF, weight_CHW)
    elif weight_CHW.shape[1] == 1:
        strongest_NCF = _flat_max(padded_NML, weight_CHW.squeeze(1))
    else:
        strongest_NCF = _tall_max(padded_NML, weight_CHW)
    bias = 0.0 if conv.bias is None else conv.bias[:, None]
    return strongest_NCF * sign_C1 + bias


def _flat_max(padded_NML: Tensor, weight_CW: Tensor) -> Tensor:
    num_bands, num_taps = padded_NML.shape[1], weight_CW.shape[1]
    num_frames = padded_NML.shape[2] - num_taps + 1
    weight_FCW = weight_CW.expand(num_frames, -1, -1)
    rows = []
    for frames_LM in padded_NML.transpose(1, 2).contiguous():
        windows_FWM = frames_LM.as_strided(
            (num_frames, num_taps, num_bands),
            (num_bands, num_bands, 1),
            frames_LM.storage_offset(),
        )
        rows.append(torch.bmm(weight_FCW, windows_FWM).amax(2))
    return torch.stack(rows).transpose(1, 2)


def _tall_max(padded_NML: Tensor, weight_CHW: Tensor) -> Tensor:
    num_filters, _, num_taps = weight_CHW.shape
    _, num_bands, num_columns = padded_NML.shape
    num_frames = num_columns - num_taps + 1
    basis = _basis(num_bands, weight_CHW.shape[1])
    real_BVC, imaginary_BVC = _transformed_filters(weight_CHW, basis)
    columns_NLM = padded_NML.transpose(1, 2)
    spectrum_NLB2 = torch.stack((columns_NLM @ basis.cos_MB, columns_NLM @ -basis.sin_MB), dim=-1)
    rows = []
    for spectrum_BL2 in spectrum_NLB2.permute(0, 2, 1, 3).contiguous():
        windows_BFV = spectrum_BL2.as_strided(
            (spectrum_BL2.shape[0], num_frames, 2 * num_taps),
            (spectrum_BL2.stride(0), 2, 1),
            spectrum_BL2.storage_offset(),
        ).contiguous()  # both products read it, and would each copy it frequency by frequency
        even = basis.even_PB @ torch.bmm(windows_BFV, real_BVC).flatten(1)
        odd = basis.odd_PB @ torch.bmm(windows_BFV, imaginary_BVC).flatten(1)
        rows.append((even + odd.abs()).amax(0).view(num_frames, num_filters))
    return torch.stack(rows).transpose(1, 2)


class _Basis(NamedTuple):
    """Cosines and sines of the transform; the filter's own are turned by the middle position."""

    cos_MB: Tensor
    sin_MB: Tensor
    filter_cos_HB: Tensor
    filter_sin_HB: Tensor
    even_PB: Tensor
    odd_PB: Tensor


@cache
@torch.inference_mode(False)  # the tables outlive the block that first asked for them
def _basis(num_bands: int, filter_bands: int) -> _Basis:
    """Tables for M bands and filters of H bands; rows of even and odd are positions 0 or 1/2 on."""
    num_positions = num_bands - filter_bands + 1
    frequency = torch.arange(num_bands // 2 + 1, dtype=torch.float64) * (2 * math.pi / num_bands)
    band = torch.arange(num_bands, dtype=torch.float64)
    tap = torch.arange(filter_bands, dtype=torch.float64) + (num_positions - 1) / 2
    position = torch.arange((num_positions + 1) // 2) + (0.0 if num_positions % 2 else 0.5)
    # A real signal's frequencies stand for themselves and their mirror, except 0 and the middle.
    share = torch.full_like(frequency, 2 / num_bands)
    share[0] = 1 / num_bands
    if num_bands % 2 == 0:
        share[-1] = 1 / num_bands
    angle_MB = torch.outer(band, frequency)
    angle_HB = torch.outer(tap, frequency)
    angle_PB = torch.outer(position.double(), frequency)
    tables = (
        angle_MB.cos(),
        angle_MB.sin(),
        angle_HB.cos(),
        angle_HB.sin(),
        share * angle_PB.cos(),
        share * angle_PB.sin(),
    )
    return _Basis(*(table.float() for table in tables))


def _transformed_filters(weight_CHW: Tensor, basis: _Basis) -> tuple[Tensor, Tensor]:
    """Factors (B, 2W, C) that give the real and imaginary part of the product, from (re, im)."""
    real_BWC = torch.einsum("chw,hb->bwc", weight_CHW, basis.filter_cos_HB)
    imaginary_BWC = torch.einsum("chw,hb->bwc", weight_CHW, basis.filter_sin_HB)
    real = torch.stack((real_BWC, -imaginary_BWC), dim=2).flatten(1, 2)
    imaginary = torch.stack((imaginary_BWC, real_BWC), dim=2).flatten(1, 2)
    return real, imaginary
