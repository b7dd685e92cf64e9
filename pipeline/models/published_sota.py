"""The `.pth` checkpoints of sota-music-tagging-models, as state dicts of our networks.

Published as models/DATASET/NETWORK/best_model.pth, in PyTorch's format of before 1.6.
"""

from __future__ import annotations

import io
import pickle
import struct

import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import ConfigError
from pipeline.models.architectures import weight_faults
from pipeline.models.bundle import Bundle
from pipeline.models.chunking import Chunking, Domain

FILTER_KEY = "spec.mel_scale.fb"
WINDOW_KEY = "spec.spectrogram.window"
HOP_LENGTH = 256
FRONTENDS = {
    "attention": "sota-mel128",
    "crnn": "sota-mel96",
    "fcn": "sota-mel96",
    "hcnn": "wave-16k",
    "musicnn": "sota-mel96",
    "sample": "wave-16k",
    "se": "wave-16k",
    "short": "sota-mel128",
    "short_res": "sota-mel128",
}
"""What each network reads."""
LENGTHS = {
    "attention": 240_000,
    "crnn": 464_000,
    "fcn": 464_000,
    "hcnn": 80_000,
    "musicnn": 48_000,
    "sample": 59_049,
    "se": 59_049,
    "short": 59_049,
    "short_res": 59_049,
}
"""Of the chunks that each network was trained on, samples."""
TAXONOMIES = {"mtat": "mtat50", "jamendo": "jamendo50", "msd": "msd50"}
CHECKPOINTS = [
    (dataset, network)
    for dataset in TAXONOMIES
    for network in FRONTENDS
    if (dataset, network) != ("mtat", "short_res")
]
"""Data set and network of each; short_res was never published for MTAT (their issue 10)."""


def _chunking(network: str) -> Chunking:
    """Whole tracks, chunk beside chunk; a mel's hop is a multiple of its frames' 256 samples."""
    length = LENGTHS[network]
    if FRONTENDS[network] == "wave-16k":
        return Chunking(Domain.FRAMES, length=length, hop=length, tail=Tail.ALIGN)
    hop = length // HOP_LENGTH * HOP_LENGTH
    # A hop that is a multiple of hop_length lets stored mels be cut at the same places.
    hop -= HOP_LENGTH if hop == length else 0
    return Chunking(Domain.WAVEFORM, length=length, hop=hop, tail=Tail.ALIGN)


CHUNKINGS = {network: _chunking(network) for network in FRONTENDS}

MAX_DIFFERENCE = 2e-5  # the torchaudio of 2020 rounded its filter bank differently
_SHOWN = 5

_UNPICKLING_FAULTS = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What torch.load raises on damaged files (tried with cut, altered and random ones)."""


def read_pth(data: bytes, *, bundle: Bundle, file: str) -> dict[str, Tensor]:
    """A checkpoint's weights without its front end, which must be the bundle's.

    Args:
        data: of the checkpoint.
        bundle: whose architecture, widths and front end it must have.
        file: its name, for messages.

    Raises:
        ConfigError: not such a checkpoint, of another network, or of another front end.
    """
    try:
        weights: dict[str, Tensor] = torch.load(
            io.BytesIO(data), weights_only=True, map_location="cpu"
        )
    except _UNPICKLING_FAULTS as error:
        why = str(error).partition("\n")[0] or "it ends too early"
        raise ConfigError(f"{file} is not a PyTorch checkpoint: {why}") from None
    if not isinstance(weights, dict):
        raise ConfigError(
            f"{file}: a state dict is expected; the file holds a {type(weights).__name__}"
        )
    outside = () if bundle.frontend.reads_wave else (FILTER_KEY, WINDOW_KEY)
    own = {key: value for key, value in weights.items() if key not in outside}
    faults = weight_faults(bundle.architecture, parameters=bundle.parameters, weights=own)
    if faults:
        rest = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise ConfigError(
            f"{file} is no checkpoint of {bundle.architecture}: {', '.join(faults[:_SHOWN])}{rest}"
        )
    if not bundle.frontend.reads_wave:
        _check_frontend(weights, spec=bundle.frontend)
    return own


def _check_frontend(weights: dict[str, Tensor], *, spec: FrontendSpec) -> None:
    filters = melscale_fbanks(
        spec.n_fft // 2 + 1,
        spec.f_min,
        spec.f_max,
        spec.n_mels,
        spec.sample_rate,
        norm=spec.norm,
        mel_scale=spec.mel_scale,
    )
    for key, ours in ((FILTER_KEY, filters), (WINDOW_KEY, torch.hann_window(spec.win_length))):
        theirs = weights.get(key)
        if theirs is None or theirs.shape != ours.shape:
            raise ConfigError(f"the checkpoint's {key} is not that of front end {spec.name}")
        difference = float((theirs - ours).abs().max())
        if difference > MAX_DIFFERENCE:
            raise ConfigError(
                f"the checkpoint's {key} differs from front end {spec.name} by {difference:.1e}; "
                f"up to {MAX_DIFFERENCE:.0e} is rounding"
            )
