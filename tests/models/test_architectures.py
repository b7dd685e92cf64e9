import pytest
import torch

from pipeline.errors import ConfigError
from pipeline.models.architectures import ARCHITECTURES, build, weight_faults

FRAMES = {
    "attention": 235,
    "crnn": 192,
    "fcn": 1813,
    "hcnn": 80_000,
    "linear": 5,
    "musicnn": 188,
    "musicnn_original": 187,
    "note_cnn": 64,
    "sample": 59_049,
    "se": 59_049,
    "short": 231,
    "short_res": 231,
    "vgg": 187,
}
BANDS = {
    "attention": 128,
    "hcnn": 1,
    "note_cnn": 64,
    "sample": 1,
    "se": 1,
    "short": 128,
    "short_res": 128,
}
NEEDS_BANDS = {"linear": {"n_mels": 96}}


def parameters(architecture):
    return {"num_tags": 3, **NEEDS_BANDS.get(architecture, {})}


def test_every_architecture_is_tried_here():
    assert set(FRAMES) == set(ARCHITECTURES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_chunk_scores_the_same_alone_and_among_others(architecture):
    torch.manual_seed(0)
    network = build(architecture, parameters=parameters(architecture)).eval()
    mel_NMF = torch.randn(2, BANDS.get(architecture, 96), FRAMES[architecture])
    with torch.inference_mode():
        together = network(mel_NMF)
        alone = network(mel_NMF[1:2])
    assert together.logits_NK.shape == (2, 3)
    torch.testing.assert_close(alone.logits_NK[0], together.logits_NK[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        alone.embedding_NE[0], together.embedding_NE[1], atol=1e-5, rtol=1e-5
    )


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'resnet'; there are attention, crnn, fcn"):
        build("resnet", parameters={})


def test_a_parameter_that_the_network_lacks_is_named():
    with pytest.raises(ConfigError, match="n_mels"):
        build("fcn", parameters={"num_tags": 3, "n_mels": 128})


def test_weights_that_do_not_fit_are_named():
    weights = build("linear", parameters=parameters("linear")).state_dict()
    assert weight_faults("linear", parameters=parameters("linear"), weights=weights) == []
    weights["more"] = weights.pop("dense.bias")
    weights["dense.weight"] = weights["dense.weight"].half()
    assert weight_faults("linear", parameters=parameters("linear"), weights=weights) == [
        "missing dense.bias",
        "unexpected more",
        "dense.weight is float16[3, 96] and should be float32[3, 96]",
    ]
