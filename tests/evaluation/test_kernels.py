from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pipeline.evaluation import kernels as module
from pipeline.evaluation.kernels import kernel_picture, normalised, norms

KERNELS = arrays(np.float64, (4, 3, 2), elements=st.floats(-1e6, 1e6))


@given(KERNELS)
def test_each_kernel_is_scaled_by_its_own_largest_weight_and_keeps_its_signs(kernels_CHW):
    shown_CHW = normalised(kernels_CHW)
    largest_C = np.abs(shown_CHW).max(axis=(1, 2))
    for channel, kernel in enumerate(kernels_CHW):
        assert largest_C[channel] == pytest.approx(1.0 if kernel.any() else 0.0)
    assert (np.sign(shown_CHW) == np.sign(kernels_CHW))[np.abs(shown_CHW) > 1e-300].all()


def test_norms_are_euclidean():
    kernels_CHW = np.zeros((2, 2, 2), dtype=np.float32)
    kernels_CHW[1] = [[3, 0], [0, -4]]
    assert norms(kernels_CHW).tolist() == [0.0, 5.0]


def test_the_largest_norm_stands_first_and_a_vanished_one_is_marked(monkeypatch):
    texts = []
    monkeypatch.setattr(module.Sheet, "text", lambda _, text, **__: texts.append(text))
    kernels_CHW = np.ones((3, 3, 3)) * np.array([1.0, 1e-6, 7.0])[:, None, None]
    kernel_picture(kernels_CHW, title="first")
    assert texts[0] == "first"
    assert texts[2:] == ["2", "0", "1 ~0"]


@pytest.mark.parametrize("shape", [(128, 3, 3), (1, 5, 5), (204, 67, 7), (51, 1, 129)])
def test_kernels_of_every_shape_fit_on_a_sheet(shape):
    png = kernel_picture(np.random.default_rng(0).normal(size=shape), title="kernels")
    width, height = Image.open(io.BytesIO(png)).size
    assert width == pytest.approx(7.6 * 150, abs=1)
    assert 80 < height < 20_000
