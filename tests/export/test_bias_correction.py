"""Corrected biases make up for rounded weights: by hand, and in the file that runs."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.export import quantize as quantizing
from kerascnn.export.bias_correction import correct_biases
from kerascnn.export.convert import convert_float
from kerascnn.export.interpreter import TFLiteModel

SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3)).astype("uint8")


def network(kernel=1):
    """Every kind of layer that is corrected; with kernels of one pixel the arithmetic is exact."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, kernel, activation="relu", bias_initializer="normal", name="conv")(x)
    x = layers.DepthwiseConv2D(
        kernel, activation="relu", bias_initializer="normal", name="depthwise"
    )(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(5, bias_initializer="normal", name="dense")(x))


def rounding_error(rows):
    """Of int8 weights with one scale per output, outputs first."""
    scales = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.round(rows / scales) * scales - rows


def test_the_shift_of_each_layer_is_that_of_its_rounded_weights():
    model = network()
    content = convert_float(model)
    corrected = correct_biases(content, SAMPLES)
    parts = keras.Model(
        model.inputs, [model.get_layer(name).output for name in ("conv", "depthwise", "pool")]
    )
    conv, _, pooled = (np.asarray(out) for out in parts(SAMPLES.astype("float32")))
    # Layer by layer: what the corrected file gives is what Keras gives with the shifted biases.
    pixels = (SAMPLES / 255).mean(axis=(0, 1, 2))
    kernel = model.get_layer("conv").kernel.numpy()[0, 0].T
    model.get_layer("conv").bias.assign_sub(rounding_error(kernel) @ pixels)
    kernel = model.get_layer("depthwise").kernel.numpy()[0, 0]
    model.get_layer("depthwise").bias.assign_sub(
        rounding_error(kernel)[:, 0] * conv.mean(axis=(0, 1, 2))
    )
    kernel = model.get_layer("dense").kernel.numpy().T
    model.get_layer("dense").bias.assign_sub(rounding_error(kernel) @ pooled.mean(axis=0))
    found = TFLiteModel(corrected).predict(SAMPLES)
    expected = np.asarray(model(SAMPLES.astype("float32")))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.abs(found - TFLiteModel(content).predict(SAMPLES)).max() > 1e-4


@pytest.mark.parametrize("recipe", ["int8", "int16x8"])
def test_the_quantised_file_comes_closer_to_the_float_one(recipe, monkeypatch):
    model = network(3)
    # Rounding that all goes one way, as a few large weights among small ones make it.
    kernel = model.get_layer("conv").kernel.numpy()
    kernel = np.abs(kernel) * 0.01
    kernel[0, 0, 0] = 1.5
    model.get_layer("conv").kernel.assign(kernel)
    content = convert_float(model)
    wanted = TFLiteModel(content).predict(SAMPLES)

    def mean_error():
        done = quantizing.quantize(content, recipe, SAMPLES, io="float32")
        return np.abs((TFLiteModel(done).predict(SAMPLES) - wanted).mean(axis=0)).max()

    corrected = mean_error()
    monkeypatch.setattr(quantizing, "correct_biases", lambda content, samples, keep: content)
    assert corrected < 0.5 * mean_error()


def test_a_bias_that_layers_share_is_corrected_for_each():
    """The converter keeps equal constants once."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 1, name="one")(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Conv2D(3, 1, name="two")(layers.ReLU()(x)))
    for name in ("one", "two"):
        model.get_layer(name).bias.assign([0.1, 0.2, 0.3])
    content = convert_float(model)
    corrected = correct_biases(content, SAMPLES)
    middle = np.asarray(keras.ops.relu(model.get_layer("one")(SAMPLES / np.float32(255))))
    for name, mean in (
        ("one", (SAMPLES / 255).mean(axis=(0, 1, 2))),
        ("two", middle.mean(axis=(0, 1, 2))),
    ):
        kernel = model.get_layer(name).kernel.numpy()[0, 0].T
        model.get_layer(name).bias.assign_sub(rounding_error(kernel) @ mean)
    expected = np.asarray(model(SAMPLES.astype("float32")))
    np.testing.assert_allclose(TFLiteModel(corrected).predict(SAMPLES), expected, atol=2e-6)


def test_a_grouped_convolution_is_corrected_group_by_group():
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 4))
    x = layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, layers.Conv2D(6, 1, groups=2, bias_initializer="normal")(x))
    samples = np.random.default_rng(1).integers(0, 256, (8, 8, 8, 4)).astype("uint8")
    samples[..., 2:] //= 4  # the groups see different means
    content = convert_float(model)
    layer = model.layers[-1]
    kernel = layer.kernel.numpy()[0, 0].T  # [outputs, channels of a group]
    means = (samples / 255).mean(axis=(0, 1, 2)).reshape(2, 2).repeat(3, axis=0)
    layer.bias.assign_sub((rounding_error(kernel) * means).sum(axis=1))
    found = TFLiteModel(correct_biases(content, samples)).predict(samples)
    np.testing.assert_allclose(found, np.asarray(model(samples.astype("float32"))), atol=2e-6)
