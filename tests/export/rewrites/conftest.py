"""Float `.tflite` files straight from TensorFlow functions, by the public converter."""

import numpy as np
import pytest

SHAPE = (1, 9, 8, 6)


@pytest.fixture(scope="session")
def tflite(tmp_path_factory):
    """A function that converts a function of float32 images `[1, 9, 8, 6]`."""
    import tensorflow as tf

    def convert(function, shape=SHAPE):
        served = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32, "image")])
        module = tf.Module()
        module.served = served
        folder = str(tmp_path_factory.mktemp("saved"))
        tf.saved_model.save(module, folder, signatures=served.get_concrete_function())
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()

    return convert


@pytest.fixture(scope="session")
def convolution():
    """A function that makes seeded convolutions, as (size, inputs, outputs) -> function."""
    import tensorflow as tf

    random = np.random.default_rng(3)

    def make(size, inputs, outputs, padding="SAME"):
        weights = random.normal(0, 1 / np.sqrt(size * size * inputs), (size, size, inputs, outputs))
        bias = random.normal(0, 0.3, outputs).astype("float32")
        kernel = tf.constant(weights.astype("float32"))
        return lambda x: tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, padding), bias)

    return make


@pytest.fixture(scope="session")
def pixels():
    """Images for SHAPE: 16 of noise around different brightness and 4 of real digits."""
    from sklearn.datasets import load_digits

    random = np.random.default_rng(0)
    noise = random.normal(random.uniform(30, 220, (16, 1, 1, 6)), 40, (16, *SHAPE[1:]))
    digits = np.zeros((4, *SHAPE[1:]))
    digits[:, :8] = load_digits().images[:4, :, :, np.newaxis] * 16
    return np.clip(np.concatenate([noise, digits]), 0, 255).astype("uint8")
