"""Maxout: the largest of several channels, for maps and for vectors."""

import keras
import numpy as np
import pytest

from kerascnn.layers import Maxout

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(2, 12), (2, 4, 5, 12)])
@pytest.mark.parametrize("pieces", [1, 2, 3, 12])
def test_equals_numpy(shape, pieces):
    x = RNG.normal(size=shape).astype("float32")
    wanted = x.reshape(*shape[:-1], pieces, 12 // pieces).max(axis=-2)
    np.testing.assert_array_equal(Maxout(pieces)(x), wanted)


def test_two_linear_pieces_make_an_absolute_value():
    dense = keras.layers.Dense(2, use_bias=False)
    dense.build((None, 1))
    dense.set_weights([np.array([[1.0, -1.0]])])
    x = np.array([[-3.0], [0.5]], "float32")
    np.testing.assert_array_equal(Maxout(2)(dense(x)), np.abs(x))


def test_only_the_winner_learns():
    import tensorflow as tf

    x = tf.constant([[1.0, 5.0, 3.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Maxout(2)(x)  # of channels 0 and 2, and of 1 and 3
    np.testing.assert_array_equal(y, [[3.0, 5.0]])
    np.testing.assert_array_equal(tape.gradient(y, x), [[0.0, 1.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Maxout(0), "at least 1"),
        (lambda: Maxout(5).build((None, 12)), "must divide"),
    ],
)
def test_unusable_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
