import torch

from pipeline.models.fcn import FCN


def test_the_network_is_the_published_one(check_architecture):
    check_architecture("fcn")


def test_the_embedding_is_what_the_dense_layer_reads():
    network = FCN(num_tags=7).eval()
    with torch.inference_mode():
        output = network(torch.randn(1, 96, 1813))
        logits_NK = network.dense(output.embedding_NE)
    assert output.embedding_NE.shape == (1, 64)
    torch.testing.assert_close(output.logits_NK, logits_NK)
