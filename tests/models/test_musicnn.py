import torch

from pipeline.models.musicnn import Musicnn


def test_the_network_is_the_published_one(check_architecture):
    check_architecture("musicnn")


def test_the_wide_network_has_the_published_number_of_parameters():
    network = Musicnn(num_tags=50, num_channels=512, num_dense=500)
    assert sum(weight.numel() for weight in network.parameters()) == 7_972_000


def test_other_numbers_of_bands_and_frames_work():
    network = Musicnn(num_tags=7, n_mels=128).eval()
    with torch.inference_mode():
        output = network(torch.randn(2, 128, 40))
    assert output.logits_NK.shape == (2, 7)
    assert output.embedding_NE.shape == (2, 200)
