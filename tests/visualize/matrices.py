"""Small networks as matrices in NumPy, float64: a second way to compute them and their slopes."""

import keras
import numpy as np
from keras import layers

SHAPE, CLASSES = (6, 6, 2), 4
IMAGES = np.random.default_rng(1).uniform(-1, 1, (3, *SHAPE)).astype("float32")


def network(first, second, third):
    """Two convolutions and two dense layers, with the three activations between them.

    The first activation is the convolution's own, the second a layer, the third an operation.
    """
    keras.utils.set_random_seed(7)
    spread = keras.initializers.RandomNormal(stddev=0.7)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(3, 3, activation=first, kernel_initializer=spread, name="one")(inputs)
    x = second(layers.Conv2D(4, 2, strides=2, kernel_initializer=spread, name="two")(x))
    x = third(layers.Dense(7, kernel_initializer=spread, name="three")(layers.Flatten()(x)))
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="four")(x))
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(np.linspace(-0.3, 0.4, layer.bias.shape[0]))
    return model


def matrices(model):
    """Matrix [inputs, outputs] and offset [outputs] of each layer with weights, without activation.

    Found by what the layer does to each unit vector.
    """
    found = []
    for layer in model.layers:
        if layer.weights:
            config = {**layer.get_config(), "activation": None}
            linear = type(layer).from_config(config)
            shape = layer.input.shape[1:]
            size = int(np.prod(shape))
            linear.build((None, *shape))
            linear.set_weights(layer.get_weights())
            basis = np.eye(size, dtype="float32").reshape(size, *shape)
            offset = np.asarray(linear(0 * basis[:1]), np.float64).reshape(-1)
            found.append((np.asarray(linear(basis), np.float64).reshape(size, -1) - offset, offset))
    return found


def scores(steps, images, activations):
    """Scores before the softmax, by the matrices and offsets in `steps`."""
    x = np.asarray(images, np.float64).reshape(len(images), -1)
    *hidden, (last, offset) = steps
    for (matrix, bias), activation in zip(hidden, activations, strict=True):
        x = activation(x @ matrix + bias)
    return x @ last + offset
