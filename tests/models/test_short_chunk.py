import pytest
import torch

from pipeline.models.architectures import build


@pytest.mark.parametrize("architecture", ["short", "short_res"])
def test_the_network_is_the_published_one(check_architecture, architecture):
    check_architecture(architecture)


@pytest.mark.parametrize(("architecture", "num_frames"), [("short", 128), ("short_res", 7)])
def test_chunks_of_other_lengths_are_taken(architecture, num_frames):
    network = build(architecture, parameters={"num_tags": 3, "num_channels": 8}).eval()
    output = network(torch.randn(2, 128, num_frames))
    assert output.logits_NK.shape == (2, 3)
    assert output.embedding_NE.shape == (2, 32)
