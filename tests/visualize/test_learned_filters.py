"""Kernels and maps against NumPy, in every kind of model."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import InputError
from kerascnn.layers import DepthwiseConv2D, GroupedConv2D
from kerascnn.visualize import (
    around_gray,
    feature_maps,
    filters,
    mosaic,
    plot_feature_maps,
    plot_filters,
)

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 9, 8, 3)).astype("float32")


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((9, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    inner = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            layers.Conv2D(5, (3, 2), strides=2, name="first"),
            layers.Conv2D(4, 2, activation="relu", name="second"),
        ],
        name="inner",
    )
    x = layers.GlobalAveragePooling2D()(inner(x))
    return keras.Model(inputs, layers.Dense(3, name="dense")(x))


def test_filters_are_the_kernels_and_zero_is_gray(model):
    kernel = np.asarray(model.get_layer("inner").get_layer("first").kernel)  # [3, 2, 3, 5]
    found = filters(model)
    assert found.shape == (5, 3, 2, 3)
    for number in range(5):
        wanted = 0.5 + kernel[..., number] / (2 * np.abs(kernel[..., number]).max())
        np.testing.assert_allclose(found[number], wanted, rtol=1e-6)
    shared = filters(model, "first", together=True)
    np.testing.assert_allclose(shared[2], 0.5 + kernel[..., 2] / (2 * np.abs(kernel).max()), 1e-6)
    assert filters(model, "second").shape == (4, 2, 2, 5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (12, 3, 3, 1)),
        (DepthwiseConv2D(3), (6, 3, 3, 1)),
        (layers.SeparableConv2D(7, 3), (6, 3, 3, 1)),
        (layers.Conv2DTranspose(7, 3), (7, 3, 3, 6)),
        (GroupedConv2D(4, 3, groups=2), (4, 3, 3, 3)),
    ],
)
def test_every_kind_of_convolution_has_filters(layer, shape):
    model = keras.Sequential([keras.Input((8, 8, 6)), layer])
    assert filters(model).shape == shape


def test_a_depthwise_filter_is_that_of_its_map():
    layer = layers.DepthwiseConv2D(3, depth_multiplier=2)
    model = keras.Sequential([keras.Input((8, 8, 6)), layer])
    kernel = np.asarray(layer.kernel)
    np.testing.assert_allclose(filters(model)[5, ..., 0], around_gray(kernel[:, :, 2, 1]))


def test_layers_without_kernels_are_an_error(model):
    with pytest.raises(InputError, match=r"'dense' is a Dense: it has no kernels"):
        filters(model, "dense")
    with pytest.raises(InputError, match="has no convolution"):
        filters(keras.Sequential([keras.Input((4,)), layers.Dense(2)]))


def convolved(images, kernel, bias, stride):
    height, width = kernel.shape[:2]
    rows = range(0, images.shape[1] - height + 1, stride)
    columns = range(0, images.shape[2] - width + 1, stride)
    maps = np.zeros((len(images), len(rows), len(columns), kernel.shape[-1]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            window = images[:, row : row + height, column : column + width]
            maps[:, i, j] = np.einsum("bhwc,hwcf->bf", window, kernel) + bias
    return maps


def test_maps_are_those_of_a_convolution_by_hand(model):
    found = feature_maps(model, IMAGES)
    assert list(found) == ["first", "second"]  # a dense layer gives no maps
    inner = model.get_layer("inner")
    first = convolved(IMAGES / 255, *map(np.asarray, inner.get_layer("first").weights), 2)
    second = np.maximum(convolved(first, *map(np.asarray, inner.get_layer("second").weights), 1), 0)
    np.testing.assert_allclose(found["first"], first, atol=1e-5)
    np.testing.assert_allclose(found["second"], second, atol=1e-5)


def test_named_layers_come_in_the_order_of_the_names(model):
    found = feature_maps(model, IMAGES, ["dense", "first"])
    assert list(found) == ["dense", "first"]
    np.testing.assert_allclose(found["dense"], np.asarray(model(IMAGES)), rtol=1e-6)
    with pytest.raises(InputError, match="no layer 'absent'"):
        feature_maps(model, IMAGES, ["absent"])
    with pytest.raises(InputError, match=r"expected images \[B, H, W, C\]"):
        feature_maps(model, IMAGES[0])


def test_a_mosaic_puts_pictures_row_by_row():
    pictures = np.arange(5, dtype="float32")[:, None, None, None] * np.ones((1, 2, 3, 1)) / 10
    whole = mosaic(pictures, columns=3, gap=1, fill=0.9)[..., 0]
    assert whole.shape == (5, 11)
    np.testing.assert_allclose(whole[0], np.repeat([0, 0.9, 0.1, 0.9, 0.2], [3, 1, 3, 1, 3]))
    np.testing.assert_allclose(whole[4], np.repeat([0.3, 0.9, 0.4, 0.9], [3, 1, 3, 4]))
    assert mosaic(pictures).shape == (8, 7, 1)  # nearly square
    with pytest.raises(InputError, match="expected pictures"):
        mosaic(pictures[0])


def test_a_percentile_leaves_weak_values_seen():
    values = np.zeros((2, 400), np.float32)
    values[0, :101] = [*range(-50, 50), 1000]
    shown = around_gray(values, (1,), percentile=98)
    peak = np.percentile(np.abs(values[0, :101])[np.abs(values[0, :101]) > 0], 98)
    assert peak < 51
    assert shown[0, 100] == 1
    np.testing.assert_allclose(shown[0, 75], 0.5 + 25 / (2 * peak))
    assert (shown[1] == 0.5).all()


def test_figures_show_the_values(model):
    kernels = filters(model)
    shown = plot_filters(kernels, columns=5, title="first").axes[0].images[0].get_array()
    assert shown.shape == (3, 14, 3)
    np.testing.assert_allclose(shown[:, 3:5], kernels[1], rtol=1e-6)
    grid = plot_filters(filters(model, "second"), most=3).axes[0].images[0].get_array()
    assert grid.shape == (8, 8)  # 3 filters, 3 inputs, of 2x2
    figure = plot_feature_maps(feature_maps(model, IMAGES), most=4)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["first, 4x4x5", "second, 3x3x4"]
    with pytest.raises(InputError, match="maps have the shape"):
        plot_feature_maps(feature_maps(model, IMAGES, ["dense"]))
