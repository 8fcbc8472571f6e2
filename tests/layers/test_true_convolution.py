"""True convolution against the definition, beside cross-correlation."""

import keras
import numpy as np
import pytest

from kerascnn.layers import TrueConv2D
from kerascnn.profile import profile

RNG = np.random.default_rng(0)


def full_convolution(image, kernel):
    """S(i, j) = sum of I(i - m, j - n) K(m, n), wherever the sum has a term."""
    height, width = (a + b - 1 for a, b in zip(image.shape, kernel.shape, strict=True))
    y = np.zeros((height, width))
    for (m, n), weight in np.ndenumerate(kernel):
        y[m : m + image.shape[0], n : n + image.shape[1]] += weight * image
    return y


def apply(layer, image, kernel):
    layer.build((None, *image.shape, 1))
    layer.set_weights([kernel[:, :, None, None]])
    return np.asarray(layer(image[None, :, :, None]))[0, :, :, 0]


@pytest.mark.parametrize("side", [(3, 3), (2, 4), (1, 1)])
def test_it_is_the_definition_where_the_window_fits(side):
    image, kernel = RNG.normal(size=(7, 8)), RNG.normal(size=side)
    got = apply(TrueConv2D(1, side, use_bias=False), image.astype("float32"), kernel)
    rows, columns = side[0] - 1, side[1] - 1
    wanted = full_convolution(image, kernel)[rows:7, columns:8]
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_cross_correlation_turns_the_kernel_the_other_way():
    kernel = RNG.normal(size=(3, 3))
    image = RNG.normal(size=(6, 6)).astype("float32")
    true = apply(TrueConv2D(1, 3, use_bias=False), image, kernel)
    cross = apply(keras.layers.Conv2D(1, 3, use_bias=False), image, kernel[::-1, ::-1])
    np.testing.assert_allclose(true, cross, atol=1e-6)
    plain = apply(keras.layers.Conv2D(1, 3, use_bias=False), image, kernel)
    assert np.abs(true - plain).max() > 0.1


def test_an_impulse_returns_the_kernel_itself():
    impulse = np.zeros((5, 5), "float32")
    impulse[2, 2] = 1.0
    kernel = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(apply(TrueConv2D(1, 3, use_bias=False), impulse, kernel), kernel)


def test_only_convolution_commutes():
    image, kernel = RNG.normal(size=(2, 4, 4)).astype("float32")
    for kind, commutes in ((TrueConv2D, True), (keras.layers.Conv2D, False)):
        one = apply(kind(1, 4, use_bias=False), np.pad(image, 3), kernel)
        other = apply(kind(1, 4, use_bias=False), np.pad(kernel, 3), image)
        assert (np.abs(one - other).max() < 1e-5) == commutes


def test_options_and_cost_are_those_of_conv2d():
    config = {"filters": 4, "kernel_size": 3, "strides": 2, "groups": 2, "activation": "relu"}
    costs = []
    for kind in (TrueConv2D, keras.layers.Conv2D):
        inputs = keras.Input((9, 9, 6))
        row = profile(keras.Model(inputs, kind(**config)(inputs)))[0]
        costs.append((row.output_shape, row.params, row.macs))
    assert costs[0] == costs[1]
