"""Every network by the name that bundles and configurations use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.models.attention import AttentionTagger
from pipeline.models.crnn import CRNN
from pipeline.models.fcn import FCN
from pipeline.models.hcnn import HarmonicCnn
from pipeline.models.linear import LinearTagger
from pipeline.models.musicnn import Musicnn
from pipeline.models.musicnn_original import MusicnnOriginal
from pipeline.models.note_cnn import NoteCnn
from pipeline.models.sample import SampleCnn
from pipeline.models.sample_se import SampleSe
from pipeline.models.short_chunk import ShortChunk, ShortChunkRes
from pipeline.models.taught import OWN, SUFFIX, TaughtTagger
from pipeline.models.vgg import Vgg

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "attention": AttentionTagger,
    "crnn": CRNN,
    "fcn": FCN,
    "hcnn": HarmonicCnn,
    "linear": LinearTagger,
    "musicnn": Musicnn,
    "musicnn_original": MusicnnOriginal,
    "note_cnn": NoteCnn,
    "sample": SampleCnn,
    "se": SampleSe,
    "short": ShortChunk,
    "short_res": ShortChunkRes,
    "vgg": Vgg,
}


EMBEDDINGS = {
    "attention": "pooler",
    "crnn": "layer5",
    "fcn": "layer5",
    "hcnn": "dense1",
    "linear": "mean mel",
    "musicnn": "dense1",
    "musicnn_original": "max_pool",
    "note_cnn": "dense1",
    "sample": "layer11",
    "se": "dense1",
    "short": "dense1",
    "short_res": "dense1",
    "vgg": "pool5",
}
"""The layer that each network gives beside its logits."""


def build(architecture: str, *, parameters: Mapping[str, int]) -> nn.Module:
    """A network with fresh weights; forward(mel_NMF) gives layers.Output.

    Raises:
        ConfigError: no such network, or parameters that it does not take.
    """
    if architecture.endswith(SUFFIX):
        return _build_taught(architecture, parameters=parameters)
    _check_known(architecture)
    try:
        return ARCHITECTURES[architecture](**parameters)
    except TypeError as error:
        raise ConfigError(f"architecture {architecture}: {error}") from None


def _build_taught(architecture: str, *, parameters: Mapping[str, int]) -> nn.Module:
    if missing := [name for name in (*OWN, "num_tags") if name not in parameters]:
        raise ConfigError(f"architecture {architecture}: {', '.join(missing)} is not given")
    of_base = {name: value for name, value in parameters.items() if name not in OWN}
    of_base["num_tags"] = parameters["base_tags"]
    base = build(architecture.removesuffix(SUFFIX), parameters=of_base)
    return TaughtTagger(
        base, num_embedding=parameters["num_embedding"], num_tags=parameters["num_tags"]
    )


def complete(architecture: str, *, parameters: Mapping[str, int], n_mels: int) -> dict[str, int]:
    """The parameters with the number of mel bands, if the network asks for it.

    Raises:
        ConfigError: no such network.
    """
    _check_known(architecture)
    asked = inspect.signature(ARCHITECTURES[architecture]).parameters
    return dict(parameters) | ({"n_mels": n_mels} if "n_mels" in asked else {})


def check_input(
    architecture: str, *, parameters: Mapping[str, int], n_mels: int, num_frames: int
) -> None:
    """Whether a network takes chunks of a shape, found without computing.

    Raises:
        ConfigError: no such network, parameters that it does not take, or chunks.
    """
    with torch.device("meta"):
        network = build(architecture, parameters=parameters).train()
        try:
            network(torch.zeros(2, n_mels, num_frames))
        except (RuntimeError, IndexError) as error:
            raise ConfigError(
                f"architecture {architecture} does not take chunks of {n_mels} mel bands and "
                f"{num_frames} frames: {error}; set data.frontend and data.chunk_frames to what "
                "it was made for"
            ) from None


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


def _check_known(architecture: str) -> None:
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"no architecture {architecture!r}; there are {known}")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
