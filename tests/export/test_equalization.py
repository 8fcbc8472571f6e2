"""Equalised channels compute the same, and spread a depthwise network's activations evenly."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.export import TFLiteModel, convert_float
from kerascnn.export.quantize import quantizer as quantizing
from kerascnn.export.quantize.equalization import equalize

SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 12, 12, 3)).astype("uint8")


def network(clip):
    """Pointwise, padded depthwise, pointwise, pooled, dense; channels of very different size."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((12, 12, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, 3, strides=2, bias_initializer="normal", name="first")(x)
    x = layers.ReLU(clip)(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="normal", name="middle")(x)
    x = layers.ReLU(clip)(x)
    x = layers.Conv2D(6, 1, bias_initializer="normal", name="last")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU(clip)(x))
    model = keras.Model(inputs, layers.Dense(4)(x))
    sizes = 10.0 ** np.linspace(-2, 0.5, 8)
    first, middle = model.get_layer("first"), model.get_layer("middle")
    first.set_weights([weight * sizes for weight in first.get_weights()])
    middle.kernel.assign(middle.kernel.numpy() / sizes[:, np.newaxis])
    return model


@pytest.fixture(scope="module", params=[None, 6.0])
def files(request):
    content = convert_float(network(request.param))
    return content, equalize(content, SAMPLES)


def test_the_function_stays(files):
    wanted, found = (TFLiteModel(file).predict(SAMPLES) for file in files)
    assert files[0] != files[1]
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_int8_comes_closer_to_the_float_file(files, monkeypatch):
    wanted = TFLiteModel(files[0]).predict(SAMPLES)

    def error():
        file = quantizing.quantize(files[0], "int8", SAMPLES, io="float32")
        return np.abs(TFLiteModel(file).predict(SAMPLES) - wanted).mean()

    equalized = error()
    monkeypatch.setattr(quantizing, "equalize", lambda content, samples: None)
    assert equalized < 0.5 * error()


def test_networks_without_depthwise_layers_are_left_alone(grey_float_file, grey_images):
    assert equalize(grey_float_file.read_bytes(), grey_images) is None
