import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pipeline.models.band_products import strongest


@st.composite
def cases(draw):
    """Bands of the mel and of the filters, frames of both, chunks; from one to many of each."""
    num_bands = draw(st.integers(2, 40))
    filter_bands = draw(st.integers(1, num_bands))
    return num_bands, filter_bands, draw(st.integers(1, 12)), draw(st.integers(1, 70))


@settings(deadline=None, max_examples=60)
@given(cases(), st.integers(0, 1000))
def test_it_is_the_convolution_and_the_maximum_over_bands(case, seed):
    num_bands, filter_bands, filter_frames, num_frames = case
    generator = torch.Generator().manual_seed(seed)
    weight_CHW = torch.randn(5, filter_bands, filter_frames, generator=generator)
    mel_NMF = torch.randn(2, num_bands, num_frames, generator=generator)
    with torch.inference_mode():
        pad = ((filter_frames - 1) // 2, filter_frames // 2)
        padded = nn.functional.pad(mel_NMF, pad).unsqueeze(1)
        expected_NCF = nn.functional.conv2d(padded, weight_CHW.unsqueeze(1)).amax(2)
        found_NCF = strongest(mel_NMF, weight_CHW)
    torch.testing.assert_close(found_NCF, expected_NCF, atol=2e-5, rtol=2e-5)


def test_the_result_has_the_precision_of_the_weights():
    weight_CHW = torch.randn(3, 4, 3, dtype=torch.bfloat16)
    assert strongest(torch.randn(1, 8, 9), weight_CHW).dtype is torch.bfloat16
