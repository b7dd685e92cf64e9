import torch

from pipeline.models.note_cnn import NoteCnn


def test_a_note_is_a_square_of_64_bands_and_frames():
    network = NoteCnn(num_tags=11).eval()
    output = network(torch.randn(3, 64, 64))
    assert output.logits_NK.shape == (3, 11)
    assert output.embedding_NE.shape == (3, 128)
    assert sum(weight.numel() for weight in network.parameters()) == 127_725
