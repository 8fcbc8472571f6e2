"""Backbones and models of all the kinds that transfer learning meets, small and seeded."""

import keras
import numpy as np
from keras import layers

from kerascnn.transfer import attach_head

SIZE = 16


def backbone(channels=3):
    """Functional, with maps (2, 2, 12): two stages, a batch norm in each."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((SIZE, SIZE, channels), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for stage, filters in ((2, 8), (3, 12)):
        x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"conv{stage}")(x)
        x = layers.BatchNormalization(momentum=0.5, name=f"norm{stage}")(x)
        x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        x = layers.ReLU(name=f"stage{stage}")(x)
    return keras.Model(inputs, x, name="small")


def of_keras(classes):
    """The first layers of a network of keras.applications, with a head."""
    whole = keras.applications.MobileNet((32, 32, 3), 0.25, include_top=False, weights=None)
    first = keras.Model(whole.input, whole.get_layer("conv_pw_3_relu").output, name="mobilenet")
    return attach_head(first, classes, preprocessing="signed")


def sequential():
    """The same kind of network as a Sequential model."""
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(6, 3, 2, activation="relu", name="conv1"),
            layers.Conv2D(8, 3, 2, activation="relu", name="conv2"),
        ],
        name="plain",
    )


@keras.saving.register_keras_serializable(package="tests.transfer")
class Subclassed(keras.Model):
    """A network without a graph of layers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(5, 3, 2, name="conv")
        self.norm = layers.BatchNormalization(name="norm")

    def call(self, x, training=None):
        return self.norm(self.conv(x), training=training)


def images(count, channels=3, seed=0):
    """Raw pixels."""
    shape = (count, SIZE, SIZE, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")
