"""The `.pth` checkpoints of sota-music-tagging-models, as state dicts of our networks."""

from __future__ import annotations

import io
import pickle
import struct

import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import ConfigError
from pipeline.models.architectures import weight_faults

FILTER_KEY = "spec.mel_scale.fb"
WINDOW_KEY = "spec.spectrogram.window"
MAX_DIFFERENCE = 2e-5  # the torchaudio of 2020 rounded its filter bank differently

_UNPICKLING_FAULTS = (
    pickle.UnpicklingError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What torch.load raises on damaged files (tried with cut, altered and random ones)."""


def read_pth(
    data: bytes, *, architecture: str, num_tags: int, spec: FrontendSpec
) -> dict[str, Tensor]:
    """A checkpoint's weights without its front end, which must be the one given.

    Raises:
        ConfigError: not such a checkpoint, of another network, or of another front end.
    """
    try:
        weights: dict[str, Tensor] = torch.load(
            io.BytesIO(data), weights_only=True, map_location="cpu"
        )
    except _UNPICKLING_FAULTS as error:
        why = str(error).partition("\n")[0] or "it ends too early"
        raise ConfigError(f"not a PyTorch checkpoint: {why}") from None
    if not isinstance(weights, dict):
        raise ConfigError(f"a state dict is expected; the file holds a {type(weights).__name__}")
    own = {key: value for key, value in weights.items() if not key.startswith("spec.")}
    faults = weight_faults(architecture, parameters={"num_tags": num_tags}, weights=own)
    if faults:
        raise ConfigError(f"this is no checkpoint of {architecture}: {', '.join(faults[:5])}")
    _check_frontend(weights, spec=spec)
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
