import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pipeline.models.band_max import band_max


@st.composite
def cases(draw):
    """Bands of the mel and of the filters, frames of both, chunks; from one to many of each."""
    num_bands = draw(st.integers(2, 40))
    filter_bands = draw(st.integers(1, num_bands))
    return num_bands, filter_bands, draw(st.integers(1, 12)), draw(st.integers(1, 20))


@settings(deadline=None, max_examples=60)
@given(cases(), st.integers(0, 1000))
def test_it_is_the_convolution_and_the_extreme_that_the_scale_asks_for(case, seed):
    num_bands, filter_bands, filter_frames, num_frames = case
    generator = torch.Generator().manual_seed(seed)
    conv = nn.Conv2d(1, 5, (filter_bands, filter_frames))
    mel_NMF = torch.randn(2, num_bands, num_frames, generator=generator)
    scale = torch.tensor([1.0, -1.0, 0.5, -0.1, 0.0])
    with torch.inference_mode():
        pad = ((filter_frames - 1) // 2, filter_frames // 2)
        map_NCMF = conv(nn.functional.pad(mel_NMF, pad).unsqueeze(1))
        expected_NCF = torch.where(scale[:, None] < 0, map_NCMF.amin(2), map_NCMF.amax(2))
        found_NCF = band_max(mel_NMF, conv=conv, scale=scale)
    torch.testing.assert_close(found_NCF, expected_NCF, atol=1e-5, rtol=1e-5)


def test_it_is_exact_to_1e_5_at_the_size_of_musicnn():
    torch.manual_seed(0)
    mel_NMF = torch.randn(1, 96, 187)
    for kernel_size in ((38, 7), (67, 7), (1, 128), (1, 64), (1, 32)):
        conv = nn.Conv2d(1, 51, kernel_size)
        num_frames = kernel_size[1]
        pad = ((num_frames - 1) // 2, num_frames // 2)
        with torch.inference_mode():
            map_NCMF = conv(nn.functional.pad(mel_NMF, pad).unsqueeze(1))
            found_NCF = band_max(mel_NMF, conv=conv, scale=torch.ones(51))
        torch.testing.assert_close(found_NCF, map_NCMF.amax(2), atol=1e-5, rtol=0)


def test_tables_made_in_inference_serve_gradients_later():
    conv = nn.Conv2d(1, 2, (11, 3))
    mel_NMF = torch.randn(1, 23, 9)
    with torch.inference_mode():
        band_max(mel_NMF, conv=conv, scale=torch.ones(2))
    band_max(mel_NMF, conv=conv, scale=torch.ones(2)).sum().backward()
    assert conv.weight.grad is not None
