import torch

from pipeline.models.crnn import CRNN


def test_the_network_is_the_published_one(check_architecture):
    check_architecture("crnn")


def test_a_shorter_chunk_works_and_its_embedding_is_the_last_state():
    network = CRNN(num_tags=7).eval()
    with torch.inference_mode():
        output = network(torch.randn(2, 96, 192))
        logits_NK = network.dense(output.embedding_NE)
    assert output.embedding_NE.shape == (2, 32)
    torch.testing.assert_close(output.logits_NK, logits_NK)
