"""Equivariance where it holds by construction, and where padding and steps break it."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.errors import InputError
from kerascnn.properties import equivariance_error

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")


class CircularPadding(layers.Layer):
    """One pixel of the other side on each side."""

    def call(self, inputs):
        rows = ops.concatenate([inputs[:, -1:], inputs, inputs[:, :1]], axis=1)
        return ops.concatenate([rows[:, :, -1:], rows, rows[:, :, :1]], axis=2)


@pytest.fixture
def circular():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            CircularPadding(),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            CircularPadding(),
            layers.Conv2D(4, 3, strides=2, name="second"),
        ]
    )


@pytest.mark.parametrize("shift", [(1, 0), (3, -5), (0, 16)])
def test_a_circular_convolution_is_equivariant(circular, shift):
    assert equivariance_error(circular, IMAGES, shift, layer="first") < 1e-6


def test_after_a_step_of_two_only_even_shifts_are(circular):
    assert equivariance_error(circular, IMAGES, (4, -2)) < 1e-6
    with pytest.raises(InputError, match="`shift` must be a multiple of the 2 pixels"):
        equivariance_error(circular, IMAGES, (1, 0))
    # A step of one would be needed for this one: the odd pixels were never looked at.
    assert equivariance_error(circular, IMAGES, (1, 1), jump=1) > 0.5


def test_zeros_at_the_border_break_it_and_nothing_else_does():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Conv2D(4, 3, padding="same", name="deep")])
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, layers.ReLU()(inner(inputs)))
    assert equivariance_error(model, IMAGES, (0, 2)) > 0.05
    assert equivariance_error(model, IMAGES, (0, 2), layer="deep", border=3) < 1e-6


def test_a_dense_layer_is_not_equivariant():
    keras.utils.set_random_seed(0)
    dense = [layers.Flatten(), layers.Dense(256), layers.Reshape((16, 16, 1))]
    model = keras.Sequential([keras.Input((16, 16, 3)), *dense])
    assert equivariance_error(model, IMAGES - 127, (0, 3), jump=1) > 1.0


def test_a_subclassed_model_needs_its_jump():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 1)

        def call(self, inputs):
            return self.conv(inputs)

    assert equivariance_error(Mine(), IMAGES, (1, 2), jump=1) < 1e-6
    with pytest.raises(InputError, match="`jump` must be given"):
        equivariance_error(Mine(), IMAGES, (1, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "third"}, "no layer 'third'"),
        ({"border": 8, "layer": "first"}, "`border` must leave some of the 16x16"),
        ({"jump": 0}, "multiple of the 0 pixels"),
    ],
)
def test_what_cannot_be_measured_is_refused(circular, options, message):
    with pytest.raises(InputError, match=message):
        equivariance_error(circular, IMAGES, (2, 2), **options)


def test_maps_are_needed():
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.GlobalAveragePooling2D()])
    with pytest.raises(InputError, match="equivariance needs maps"):
        equivariance_error(model, IMAGES, (1, 1), jump=1)
    zero = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(0.0)])
    with pytest.raises(InputError, match="0 everywhere"):
        equivariance_error(zero, IMAGES, (1, 1))
