"""Kernels above 32 MiB are quantised like smaller ones."""

import numpy as np
import pytest
from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as quantizer
from litert_quantizer.qtyping import UniformQuantParams

from kerascnn.export.quantize.large_kernels import LARGEST, large_kernels


@pytest.fixture(scope="module")
def kernel():
    """Of a wide ResNet's last stage."""
    return np.random.default_rng(0).normal(size=(1024, 3, 3, 1024)).astype(np.float32)


def params(kernel):
    scales = np.abs(kernel).max(axis=(1, 2, 3)) / 127
    zeros = np.zeros(len(scales), np.int32)
    return UniformQuantParams(8, 0, scales, zeros, symmetric=True)


def test_each_output_has_its_scale(kernel):
    assert kernel.nbytes > LARGEST
    with large_kernels():
        found = quantizer.uniform_quantize(kernel, params(kernel))
    assert found.dtype == np.int8
    assert found.shape == kernel.shape
    back = found * params(kernel).scale[:, None, None, None]
    assert np.abs(back - kernel).max() <= params(kernel).scale.max() / 2 + 1e-6


def test_the_quantiser_alone_fails(kernel):
    """Where it no longer does, `large_kernels` is superfluous."""
    with pytest.raises(ValueError, match="more dimensions than allowed"):
        quantizer.uniform_quantize(kernel, params(kernel))


def test_small_kernels_are_left_to_the_quantiser(kernel):
    alone = quantizer.uniform_quantize(kernel[:64], params(kernel[:64]))
    with large_kernels():
        np.testing.assert_array_equal(
            quantizer.uniform_quantize(kernel[:64], params(kernel[:64])), alone
        )
