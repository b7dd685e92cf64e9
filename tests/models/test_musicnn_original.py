import torch
from torch import nn

from pipeline.models.musicnn_original import BandMaxConv, MusicnnOriginal


def randomised(module: nn.Module) -> nn.Module:
    """Batch norms as training leaves them, negative scales included."""
    generator = torch.Generator().manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (part.weight.data, part.bias.data, part.running_mean):
                tensor.normal_(generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
    return module.eval()


def test_the_fast_form_is_the_plain_form(monkeypatch):
    network = randomised(MusicnnOriginal(num_tags=50))
    assert (network.front[0].bn.weight < 0).any()
    mel_NMF = torch.randn(2, 96, 187)
    with torch.inference_mode():
        fast = network(mel_NMF)
        monkeypatch.setattr(BandMaxConv, "forward", BandMaxConv.plain)
        plain = network(mel_NMF)
    torch.testing.assert_close(
        fast.logits_NK.sigmoid(), plain.logits_NK.sigmoid(), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(fast.embedding_NE, plain.embedding_NE, atol=1e-5, rtol=1e-5)


def test_training_reaches_every_weight():
    network = MusicnnOriginal(num_tags=3)
    network(torch.randn(2, 96, 40)).logits_NK.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_the_embedding_is_front_and_middle_and_the_wide_network_has_more_of_it():
    with torch.inference_mode():
        small = MusicnnOriginal(num_tags=3).eval()(torch.randn(1, 96, 187))
        wide = MusicnnOriginal(num_tags=3, num_channels=512, num_dense=500).eval()(
            torch.randn(1, 96, 40)
        )
    assert small.embedding_NE.shape == (1, 753)
    assert wide.embedding_NE.shape == (1, 561 + 3 * 512)
