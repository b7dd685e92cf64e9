from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.architectures import ARCHITECTURES, build
from pipeline.models.bundle import Bundle, Chunking, Domain
from pipeline.models.tagger import Tagger
from pipeline.models.taps import (
    Listener,
    Tap,
    boxes,
    choose_taps,
    chunk_input,
    first_kernels,
    layers,
)
from pipeline.taxonomy import Taxonomy

# bands, frames, and how many layers and first convolutions there are
SHAPES = {
    "attention": (128, 235, 7, 2),
    "crnn": (96, 96, 4, 1),
    "fcn": (96, 1813, 5, 1),
    "musicnn": (96, 188, 8, 5),
    "musicnn_original": (96, 187, 8, 5),
    "note_cnn": (64, 64, 4, 1),
    "short": (128, 231, 7, 1),
    "short_res": (128, 231, 7, 2),
    "vgg": (96, 187, 5, 1),
}
FRONTEND = {64: "note-mel64", 96: "sota-mel96", 128: "sota-mel128"}
PATTERN = torch.tensor(
    [[0, 0, 3, 0, 0], [0, 3, 0, 3, 0], [3, 0, 0, 0, 3], [0, 3, 0, 3, 0], [0, 0, 3, 0, 0.0]]
)


def make_tagger(architecture, *, bands, frames, tail=Tail.ALIGN, change=None):
    """A tagger with fresh weights, or with what `change` makes of them."""
    parameters = {"num_tags": 3} | ({"n_mels": bands} if architecture == "linear" else {})
    torch.manual_seed(0)
    weights = build(architecture, parameters=parameters).state_dict()
    if change:
        change(weights)
    bundle = Bundle(
        name="toy",
        architecture=architecture,
        parameters=parameters,
        frontend=FRONTENDS[FRONTEND[bands]],
        chunking=Chunking(Domain.FRAMES, length=frames, hop=frames // 2, tail=tail),
        taxonomy=Taxonomy("toy", ("a---x", "a---y", "a---z")),
        thresholds=None,
        embedding="last",
        licence="Apache-2.0",
        source="tests",
    )
    return Tagger(bundle, weights)


def plant_detector(weights):
    """Channel 0 of the first layer answers to PATTERN, channel 0 of the second to that channel."""
    weights["layer1.conv.weight"][0, 0] = PATTERN - PATTERN.mean()
    weights["layer2.conv.weight"][0] = 0.0
    weights["layer2.conv.weight"][0, 0] = 1.0


def noise(bands, frames, *, seed=0):
    return np.random.default_rng(seed).normal(size=(bands, frames)).astype(np.float32)


def test_every_architecture_with_convolutions_is_tried_here():
    assert set(SHAPES) == set(ARCHITECTURES) - {"linear", "sample", "se", "hcnn"}


@pytest.mark.parametrize("architecture", SHAPES)
def test_every_architecture_has_layers_first_kernels_and_boxes(architecture):
    bands, frames, num_layers, num_first = SHAPES[architecture]
    tagger = make_tagger(architecture, bands=bands, frames=frames)
    there = layers(tagger)
    assert len(there) == num_layers
    kernels = first_kernels(tagger)
    assert len(kernels) == num_first
    assert all(kernel.ndim == 3 for kernel in kernels.values())
    chunk_MF = chunk_input(tagger, noise(bands, frames), start=0)
    first = next(iter(there))
    found = boxes(tagger, chunk_MF, layer=first, channels=[0, 1])
    height, width = next(iter(kernels.values())).shape[1:]
    for box in found.values():
        assert box is not None
        assert 0 <= box.low < box.high <= bands
        assert 0 <= box.start < box.stop <= frames
        if architecture in (
            "attention",
            "short_res",
        ):  # two convolutions, the first with a stride of 2
            height, width = 3 + 2 * 2, 3 + 2 * 2
        assert box.bands <= height
        assert box.frames <= width


def test_a_network_without_convolutions_is_refused():
    tagger = make_tagger("linear", bands=96, frames=20)
    with pytest.raises(ConfigError, match="no convolution"):
        choose_taps([], num_channels=1, there=layers(tagger))
    with pytest.raises(ConfigError, match="architecture linear has no convolution"):
        first_kernels(tagger)


@pytest.mark.parametrize("architecture", ["note_cnn", "musicnn_original", "short_res"])
def test_maxima_are_those_of_the_layers_maps_chunk_by_chunk(architecture):
    bands, frames, _, _ = SHAPES[architecture]
    tagger = make_tagger(architecture, bands=bands, frames=frames)
    names = list(layers(tagger))
    mel_MF = noise(bands, 3 * frames)
    expected = make_tagger(architecture, bands=bands, frames=frames)
    scores, maxima = Listener(tagger, layers=names).score_mel(mel_MF)
    np.testing.assert_array_equal(scores.scores_NK, expected.score_mel(mel_MF).scores_NK)
    hop_s = tagger.bundle.frontend.hop_length / tagger.bundle.frontend.sample_rate
    maps = {}
    network = expected.network
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _args, output, name=name: maps.update({name: output.clone()})
        )
    for row, start_s in enumerate(scores.starts_s):
        start = round(start_s / hop_s)
        with torch.inference_mode():
            network(torch.from_numpy(mel_MF[None, :, start : start + frames]))
        for name in names:
            largest_C = maps[name].flatten(2).amax(2)[0].numpy()
            np.testing.assert_allclose(maxima[name][row], largest_C, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tail", Tail)
@pytest.mark.parametrize("num_frames", [23, 64, 150, 160])
def test_the_chunk_that_is_looked_at_is_the_one_that_was_scored(tail, num_frames):
    tagger = make_tagger("note_cnn", bands=64, frames=64, tail=tail)
    mel_MF = noise(64, num_frames)
    inputs = []
    hook = tagger.network.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    starts_s = tagger.score_mel(mel_MF).starts_s
    hook.remove()
    read_NMF = torch.cat(inputs)
    spec = tagger.bundle.frontend
    last = len(starts_s) - 1
    for row in {0, last // 2, last}:
        start = round(starts_s[row] * spec.sample_rate / spec.hop_length)
        torch.testing.assert_close(chunk_input(tagger, mel_MF, start=start), read_NMF[row])


@pytest.mark.parametrize(("low", "start"), [(20, 30), (0, 0), (58, 58)])
def test_the_box_holds_the_pattern_that_a_channel_was_made_for(low, start):
    tagger = make_tagger("note_cnn", bands=64, frames=64, change=plant_detector)
    mel_MF = np.zeros((64, 64), dtype=np.float32)
    mel_MF[low : low + 5, start : start + 5] = PATTERN
    chunk_MF = torch.from_numpy(mel_MF)
    first = boxes(tagger, chunk_MF, layer="layer1", channels=[0])[0]
    assert (first.low, first.high) == (low, low + 5)
    assert (first.start, first.stop) == (start, start + 5)
    second = boxes(tagger, chunk_MF, layer="layer2", channels=[0])[0]
    assert second.low <= low
    assert second.high >= low + 5
    assert second.start <= start
    assert second.stop >= start + 5
    assert max(second.bands, second.frames) <= 5 + 1 + 2 * 2  # kernel, pool, three positions of two


def test_a_musicnn_filters_box_lies_where_in_the_bands_it_answered():
    def change(weights):
        weights["front.2.conv.weight"][0] = 0.0
        weights["front.2.conv.weight"][0, 0, 0, 60:68] = 1.0

    tagger = make_tagger("musicnn_original", bands=96, frames=187, change=change)
    mel_MF = np.zeros((96, 187), dtype=np.float32)
    mel_MF[33, 90:98] = 1.0
    box = boxes(tagger, torch.from_numpy(mel_MF), layer="front.2", channels=[0])[0]
    assert (box.low, box.high) == (33, 34)
    assert (box.start, box.stop) == (90, 98)


def test_a_channel_that_nothing_moves_has_no_box():
    def change(weights):
        weights["layer1.bn.bias"][2] = -1e3

    tagger = make_tagger("note_cnn", bands=64, frames=64, change=change)
    found = boxes(tagger, torch.from_numpy(noise(64, 64)), layer="layer1", channels=[1, 2])
    assert found[1] is not None
    assert found[2] is None


def test_a_tagger_scores_the_same_after_it_was_looked_at():
    tagger = make_tagger("note_cnn", bands=64, frames=64)
    mel_MF = noise(64, 64)
    before = tagger.score_mel(mel_MF).scores_NK
    there = layers(tagger)
    boxes(tagger, chunk_input(tagger, mel_MF, start=0), layer="layer2", channels=range(4))
    np.testing.assert_array_equal(tagger.score_mel(mel_MF).scores_NK, before)
    assert layers(tagger) == there


THERE = {"layer1": 32, "layer2": 64}


def test_layers_are_chosen_by_name_with_first_or_listed_channels():
    first_two = (Tap("layer1", (0, 1)), Tap("layer2", (0, 1)))
    assert choose_taps([], num_channels=2, there=THERE) == first_two
    chosen = choose_taps(["layer2:63,5,5", "layer1"], num_channels=1, there=THERE)
    assert chosen == (Tap("layer2", (63, 5)), Tap("layer1", (0,)))


@pytest.mark.parametrize(
    ("wanted", "num_channels", "message"),
    [
        (["conv9"], 1, r"no layer 'conv9'.*layer1 \(32 channels\), layer2 \(64 channels\)"),
        (["layer1:32"], 1, r"layer1 has 32 channels, numbered from 0; there is no 32"),
        ([], 33, r"layer1 has 32 channels.*explanation.channels"),
        (["layer1:a"], 1, r"'layer1:a' is not LAYER or LAYER:CHANNEL"),
        (["layer1", "layer1:3"], 1, r"layer1 is asked for twice"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(wanted, num_channels, message):
    with pytest.raises(ConfigError, match=message):
        choose_taps(wanted, num_channels=num_channels, there=THERE)
