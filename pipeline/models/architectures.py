"""Every network by the name that bundles and configurations use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.models.crnn import CRNN
from pipeline.models.fcn import FCN
from pipeline.models.linear import LinearTagger
from pipeline.models.musicnn import Musicnn
from pipeline.models.musicnn_original import MusicnnOriginal
from pipeline.models.vgg import Vgg

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "crnn": CRNN,
    "fcn": FCN,
    "linear": LinearTagger,
    "musicnn": Musicnn,
    "musicnn_original": MusicnnOriginal,
    "vgg": Vgg,
}


def build(architecture: str, *, parameters: Mapping[str, int]) -> nn.Module:
    """A network with fresh weights; forward(mel_NMF) gives layers.Output.

    Raises:
        ConfigError: no such network, or parameters that it does not take.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"no architecture {architecture!r}; there are {known}")
    try:
        return ARCHITECTURES[architecture](**parameters)
    except TypeError as error:
        raise ConfigError(f"architecture {architecture}: {error}") from None


def weight_faults(
    architecture: str, *, parameters: Mapping[str, int], weights: Mapping[str, Tensor]
) -> list[str]:
    """What keeps the weights from filling a network: keys missing or too many, shapes, types.

    Raises:
        ConfigError: no such network, or parameters that it does not take.
    """
    with torch.device("meta"):
        expected = build(architecture, parameters=parameters).state_dict()
    faults = [f"missing {key}" for key in expected if key not in weights]
    faults += [f"unexpected {key}" for key in weights if key not in expected]
    for key, want in expected.items():
        got = weights.get(key)
        if got is not None and (want.shape, want.dtype) != (got.shape, got.dtype):
            faults.append(f"{key} is {_kind(got)} and should be {_kind(want)}")
    return faults


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
