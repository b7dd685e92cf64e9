import pytest
import torch

from pipeline.models.layers import ConvBlock1d, ConvBlock2d, HorizontalConv, VerticalConv


def test_a_vertical_convolution_is_its_plain_form_also_with_negative_scales():
    torch.manual_seed(0)
    layer = VerticalConv(20, kernel_size=(38, 7)).eval()
    layer.bn.weight.data.normal_()
    layer.bn.running_mean.normal_()
    assert (layer.bn.weight < 0).any()
    mel_N1MF = torch.randn(3, 1, 96, 50)
    with torch.inference_mode():
        plain_NCF = layer.bn(layer.conv(mel_N1MF)).relu().amax(2)
        torch.testing.assert_close(layer(mel_N1MF), plain_NCF, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [33, 65, 129])
def test_a_horizontal_convolution_keeps_the_frames(kernel_size):
    layer = HorizontalConv(5, kernel_size=kernel_size).eval()
    assert layer(torch.randn(2, 1, 96, 40)).shape == (2, 5, 40)


def test_blocks_keep_frames_or_pool_them_and_drop_the_rest():
    assert ConvBlock1d(3, 5, kernel_size=7).eval()(torch.randn(2, 3, 11)).shape == (2, 5, 11)
    assert ConvBlock2d(1, 5, pool=(2, 4)).eval()(torch.randn(2, 1, 9, 11)).shape == (2, 5, 4, 2)
