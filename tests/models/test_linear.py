import torch

from pipeline.models.linear import LinearTagger


def test_the_embedding_is_the_mean_over_frames():
    network = LinearTagger(num_tags=2, n_mels=4)
    mel_NMF = torch.arange(24.0).reshape(1, 4, 6)
    output = network(mel_NMF)
    assert output.embedding_NE.tolist() == [[2.5, 8.5, 14.5, 20.5]]
    torch.testing.assert_close(output.logits_NK, network.dense(output.embedding_NE))
