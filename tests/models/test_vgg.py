import torch

from pipeline.models.vgg import Vgg


def test_a_patch_of_3_s_is_pooled_to_256_values():
    network = Vgg(num_tags=50).eval()
    with torch.inference_mode():
        output = network(torch.randn(2, 96, 187))
        logits_NK = network.output(output.embedding_NE)
    assert output.embedding_NE.shape == (2, 256)
    torch.testing.assert_close(output.logits_NK, logits_NK)


def test_the_weights_are_as_many_as_the_checkpoint_holds():
    # 607,032 values in the checkpoint are the state, its batch norms' statistics and 2 of Adam's.
    tensors = Vgg(num_tags=50).state_dict()
    counted = [value.numel() for key, value in tensors.items() if "num_batches" not in key]
    assert sum(counted) == 607_030
