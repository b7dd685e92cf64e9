"""What the layers of a tagger's network do while it scores: maxima, first kernels, boxes.

A layer is a module that holds a convolution and returns a map: its output is what the next layer
reads, after nonlinearity, normalisation and pooling. On a CPU musicnn's front computes convolution
and maximum over bands in one step (band_max.py) without calling its convolution, which is why taps
sit on the modules around convolutions: these are called on every device.

The part of the mel that an activation comes from is found by its gradient, which needs no table of
kernel sizes and strides and goes through any network: through a maximum only the winner counts, so
a musicnn filter's box lies where in the bands it answered.

Shapes: N chunks, M mel bands, F frames, C channels, H a kernel's bands, W its frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.evaluation.box import Box
from pipeline.models.tagger import Tagger, TrackScores

LEAST_SHARE = 1e-3
"""Bands and frames whose gradient is below this share of the largest are outside a box."""


class _EnoughError(Exception):
    """Ends a forward pass where nothing that follows is needed."""


@dataclass(frozen=True)
class Tap:
    """A layer and the channels of it that are looked at."""

    layer: str
    channels: tuple[int, ...]


def layers(tagger: Tagger) -> dict[str, int]:
    """The layers that can be tapped, in the network's order, and how many channels each has.

    A convolution that stands in no module of its own counts itself, before what follows it.
    """
    network = tagger.network
    convolutions = [n for n, m in network.named_modules() if isinstance(m, nn.Conv1d | nn.Conv2d)]
    names = dict.fromkeys(name.rpartition(".")[0] for name in convolutions) | dict.fromkeys(
        convolutions
    )
    channels: dict[str, int] = {}

    def note(name: str, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim in (3, 4):
            channels[name] = output.shape[1]

    with _hooked(network, (name for name in names if name), note):
        tagger.score_mel(np.zeros((tagger.bundle.frontend.n_mels, 1), dtype=np.float32))
    parents = ((name.rpartition(".")[0], name) for name in convolutions)
    chosen = (parent if parent in channels else name for parent, name in parents)
    return {name: channels[name] for name in chosen if name in channels}


def choose_taps(
    wanted: Iterable[str], *, num_channels: int, there: dict[str, int]
) -> tuple[Tap, ...]:
    """Taps from what a person asks for.

    Args:
        wanted: `LAYER`, for its first channels, or `LAYER:3,17`; none means every layer.
        num_channels: how many the first channels are.
        there: from `layers`.

    Raises:
        ConfigError: a layer or a channel that is not there.
    """
    if not there:
        raise ConfigError("the network has no convolution: there is no layer to look at")
    taps: list[Tap] = []
    for text in tuple(wanted) or tuple(there):
        layer, _, listed = text.partition(":")
        if layer not in there:
            known = ", ".join(f"{name} ({count} channels)" for name, count in there.items())
            raise ConfigError(f"the network has no layer {layer!r} to look at; there are {known}")
        channels = _channels(listed, text=text) if listed else tuple(range(num_channels))
        beyond = [str(channel) for channel in channels if channel >= there[layer]]
        if beyond:
            raise ConfigError(
                f"layer {layer} has {there[layer]} channels, numbered from 0; there is no "
                f"{', '.join(beyond[:5])}: set explanation.channels lower, or name channels as in "
                f"{layer}:0,{there[layer] - 1}"
            )
        if layer in [tap.layer for tap in taps]:
            raise ConfigError(
                f"layer {layer} is asked for twice: name its channels together, as in {layer}:0,1"
            )
        taps.append(Tap(layer, channels))
    return tuple(taps)


def first_kernels(tagger: Tagger) -> dict[str, NDArray[np.float32]]:
    """Kernels (C, H, W) of the convolutions that read the mel; H is 1 where they see no bands.

    Raises:
        ConfigError: the network has none.
    """
    kernels = {}
    for name, module in tagger.network.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d) and module.in_channels == 1:
            weight = module.weight.detach().cpu()
            kernels[name] = weight.reshape(weight.shape[0], -1, weight.shape[-1]).numpy()
    if not kernels:
        architecture = tagger.bundle.architecture
        raise ConfigError(f"architecture {architecture} has no convolution that reads the mel")
    return kernels


class Listener:
    """A tagger that also gives the largest value of each channel's map in each chunk.

    Args:
        tagger: the tagger; it keeps the hooks.
        layers: names from `layers`.
    """

    def __init__(self, tagger: Tagger, *, layers: Iterable[str]) -> None:
        self._tagger = tagger
        self._rows: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        for layer in self._rows:
            module = tagger.network.get_submodule(layer)
            module.register_forward_hook(_calling(self._note, name=layer))

    def score_mel(
        self, mel_MF: NDArray[np.floating]
    ) -> tuple[TrackScores, dict[str, NDArray[np.float32]]]:
        """The scores of a whole track's mel, and the maxima (N, C) of each layer."""
        for rows in self._rows.values():
            rows.clear()
        scores = self._tagger.score_mel(mel_MF)
        return scores, {layer: torch.cat(rows).numpy() for layer, rows in self._rows.items()}

    def _note(self, layer: str, output: object) -> None:
        if isinstance(output, Tensor):
            self._rows[layer].append(output.flatten(2).amax(2).cpu())


def chunk_input(tagger: Tagger, mel_MF: NDArray[np.floating], *, start: int) -> Tensor:
    """What the network reads in the chunk (M, F) that starts at a frame of a track's mel.

    Times of a chunk that is longer than its track count on where the track is repeated.
    """
    cut_MF = mel_MF[:, start : start + tagger.chunk_frames]
    is_whole = cut_MF.shape[1] == tagger.chunk_frames
    inputs: list[Tensor] = []

    def take(_: nn.Module, args: tuple[Tensor]) -> None:
        inputs.append(args[0])
        if is_whole:
            raise _EnoughError

    hook = tagger.network.register_forward_pre_hook(take)
    try:
        with suppress(_EnoughError):
            # what a chunk that passes the end is filled with, the tagger knows from the whole track
            tagger.score_mel(cut_MF if is_whole else mel_MF)
    finally:
        hook.remove()
    return torch.cat(inputs)[-1].clone()


def boxes(
    tagger: Tagger, chunk_MF: Tensor, *, layer: str, channels: Iterable[int]
) -> dict[int, Box | None]:
    """Where in a chunk each channel's largest activation comes from.

    None: nothing in the chunk moves it, as when a channel never passes its nonlinearity.
    """
    outputs: list[Tensor] = []
    network = tagger.network.requires_grad_(requires_grad=False)
    mel_1MF = chunk_MF[None].clone().requires_grad_()

    def take(_: str, output: object) -> None:
        if isinstance(output, Tensor):
            outputs.append(output)
            raise _EnoughError

    with _hooked(network, [layer], take), suppress(_EnoughError):
        network(mel_1MF)
    found = {}
    for channel in channels:
        map_ = outputs[0][0, channel].flatten()
        (gradient_1MF,) = torch.autograd.grad(map_[map_.argmax()], mel_1MF, retain_graph=True)
        found[channel] = _box(gradient_1MF[0].abs())
    return found


def _box(weight_MF: Tensor) -> Box | None:
    largest = weight_MF.max()
    if not largest > 0:
        return None
    inside_MF = weight_MF >= LEAST_SHARE * largest
    bands, frames = (inside_MF.any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    return Box(bands[0], bands[-1] + 1, frames[0], frames[-1] + 1)


def _channels(listed: str, *, text: str) -> tuple[int, ...]:
    numbers = [number.strip() for number in listed.split(",")]
    if not all(number.isdecimal() for number in numbers):
        raise ConfigError(f"{text!r} is not LAYER or LAYER:CHANNEL,CHANNEL with numbers from 0")
    return tuple(dict.fromkeys(int(number) for number in numbers))


@contextmanager
def _hooked(
    network: nn.Module, names: Iterable[str], call: Callable[[str, object], None]
) -> Iterator[None]:
    """Calls back with a module's name and output whenever one of the modules has run."""
    handles = [
        network.get_submodule(name).register_forward_hook(_calling(call, name=name))
        for name in names
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _calling(
    call: Callable[[str, object], None], *, name: str
) -> Callable[[nn.Module, object, object], None]:
    return lambda _module, _inputs, output: call(name, output)
