"""What each layer computes, against numbers by hand and against plain numpy."""

import itertools

import numpy as np
import pytest

from kerascnn import layers

RNG = np.random.default_rng(7)


def test_scaled_tanh_fixes_plus_and_minus_one():
    y = np.asarray(layers.ScaledTanh()(np.array([[-1.0, 0.0, 1.0, 100.0]], "float32")))
    np.testing.assert_allclose(y, [[-1.0, 0.0, 1.0, 1.7159]], atol=1e-4)


def test_constant_padding_surrounds_the_image():
    y = np.asarray(layers.ConstantPadding2D(1, value=-1.0)(np.ones((1, 2, 2, 1), "float32")))
    expected = [[-1, -1, -1, -1], [-1, 1, 1, -1], [-1, 1, 1, -1], [-1, -1, -1, -1]]
    np.testing.assert_array_equal(y[0, :, :, 0], expected)


def test_untied_bias_differs_by_position():
    layer = layers.UntiedBias()
    layer.build((None, 1, 2, 1))
    layer.set_weights([np.array([[[1.0], [2.0]]])])
    y = np.asarray(layer(np.zeros((1, 1, 2, 1), "float32")))
    np.testing.assert_array_equal(y[0, 0, :, 0], [1, 2])


def test_subsampling_is_the_sum_times_a_coefficient_plus_a_bias():
    layer = layers.TrainableSubsampling2D(2)
    x = RNG.normal(size=(1, 4, 4, 2)).astype("float32")
    layer(x)
    layer.set_weights([np.array([2.0, -1.0]), np.array([0.5, 3.0])])
    sums = x.reshape(1, 2, 2, 2, 2, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(layer(x), sums * [2, -1] + [0.5, 3], rtol=1e-5, atol=1e-5)


def test_subsampling_starts_as_average_pooling():
    x = RNG.normal(size=(1, 4, 4, 2)).astype("float32")
    y = layers.TrainableSubsampling2D(2)(x)
    np.testing.assert_allclose(y, x.reshape(1, 2, 2, 2, 2, 2).mean(axis=(2, 4)), atol=1e-6)


def test_rbf_is_the_squared_distance_to_each_code():
    codes = [[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]]
    y = layers.RBFOutput(codes)(np.array([[1.0, -1.0, 1.0], [0.0, 0.0, 2.0]], "float32"))
    np.testing.assert_allclose(y, [[0, 8], [3, 11]], atol=1e-5)


def partial_conv_by_loops(x, kernels, bias, connections, side, stride):
    batch, height, width, _ = x.shape
    rows, columns = (height - side) // stride + 1, (width - side) // stride + 1
    y = np.zeros((batch, rows, columns, len(connections)))
    offsets = np.cumsum([0, *map(len, connections)])
    places = itertools.product(range(rows), range(columns), enumerate(connections))
    for r, c, (output, sources) in places:
        for n, source in enumerate(sources):
            top, left = r * stride, c * stride
            patch = x[:, top : top + side, left : left + side, source]
            kernel = kernels[offsets[output] + n]
            y[:, r, c, output] += (patch * kernel).sum(axis=(1, 2))
    return y + bias


@pytest.mark.parametrize("stride", [1, 2])
def test_partial_convolution_equals_plain_loops(stride):
    connections, side = [[0, 2], [1], [0, 1, 3], [3, 2]], 3
    layer = layers.PartialConv2D(connections, side, strides=stride)
    x = RNG.normal(size=(2, 7, 8, 4)).astype("float32")
    layer(x)
    layer.set_weights([RNG.normal(size=weight.shape) for weight in layer.get_weights()])
    expected = partial_conv_by_loops(x, *layer.get_weights(), connections, side, stride)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)


def test_partial_convolution_ignores_maps_it_is_not_connected_to():
    layer = layers.PartialConv2D([[0], [1]], 3)
    x = RNG.normal(size=(1, 5, 5, 2)).astype("float32")
    before = np.asarray(layer(x))
    x[..., 1] += 1
    after = np.asarray(layer(x))
    np.testing.assert_array_equal(before[..., 0], after[..., 0])
    assert np.abs(before[..., 1] - after[..., 1]).max() > 0


def test_partial_convolution_starts_with_the_variance_of_each_maps_fan_in():
    layer = layers.PartialConv2D([[0]] * 60 + [[0, 1, 2, 3]] * 60, 5)
    layer.build((None, 9, 9, 4))
    kernels = layer.get_weights()[0]
    assert kernels[:60].var() == pytest.approx(1 / 25, rel=0.1)
    assert kernels[60:].var() == pytest.approx(1 / 100, rel=0.1)


def test_partial_convolution_takes_any_keras_initializer():
    layer = layers.PartialConv2D([[0], [0]], 3, kernel_initializer="ones")
    assert layers.PartialConv2D.from_config(layer.get_config()).kernel_initializer is not None
    np.testing.assert_array_equal(layer(np.ones((1, 3, 3, 1), "float32")), [[[[9.0, 9.0]]]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.PartialConv2D([], 3), "at least one input map"),
        (lambda: layers.PartialConv2D([[0], []], 3), "at least one input map"),
        (lambda: layers.PartialConv2D([[0, 0]], 3), "distinct indices"),
        (lambda: layers.PartialConv2D([[0]], 0), "at least 1"),
        (lambda: layers.PartialConv2D([[3]], 1).build((None, 4, 4, 3)), "names? input map 3"),
        (lambda: layers.RBFOutput([[1.0], [1.0, 2.0]]), "equal length"),
        (lambda: layers.RBFOutput([[1.0, 2.0]]).build((None, 3)), "2 numbers per class"),
        (lambda: layers.ScaledTanh(amplitude=0), "a number above 0"),
        (lambda: layers.ConstantPadding2D(-1), "at least 0"),
        (lambda: layers.TrainableSubsampling2D(0), "at least 1"),
        (lambda: layers.UntiedBias().build((None, None, 4, 1)), "known input size"),
    ],
)
def test_unusable_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
