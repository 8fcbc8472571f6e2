"""Pooling and its backward pass against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from kerascnn import signal
from kerascnn.errors import InputError

RNG = np.random.default_rng(0)
POOLS = {
    "max": (signal.max_pool2d, signal.max_pool2d_backward, tf.nn.max_pool2d),
    "average": (signal.average_pool2d, signal.average_pool2d_backward, tf.nn.avg_pool2d),
}


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (3, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("kind", POOLS)
def test_both_ways_are_those_of_autodiff(kind, size, stride):
    forward, backward, theirs = POOLS[kind]
    images = RNG.normal(size=(2, 7, 8, 3))
    with tf.GradientTape() as tape:
        values = tf.constant(images)
        tape.watch(values)
        wanted = theirs(values, size, stride or size, "VALID")
        weights = RNG.normal(size=wanted.shape)
        loss = tf.reduce_sum(wanted * weights)
    np.testing.assert_allclose(forward(images, size, stride), wanted, atol=1e-12)
    found = backward(weights, images, size, stride)
    np.testing.assert_allclose(found, tape.gradient(loss, values), atol=1e-12)


def test_only_the_winner_gets_the_gradient():
    images = np.array([[1.0, 5.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    assert signal.max_pool2d(images).item() == 5
    back = signal.max_pool2d_backward(np.full((1, 1, 1, 1), 7.0), images)
    assert back[0, :, :, 0].tolist() == [[0, 7], [0, 0]]
    shared = signal.average_pool2d_backward(np.full((1, 1, 1, 1), 8.0), images)
    assert shared[0, :, :, 0].tolist() == [[2, 2], [2, 2]]


def test_of_equal_values_the_first_wins_as_in_tensorflow():
    images = np.zeros((1, 4, 4, 1))
    weights = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    with tf.GradientTape() as tape:
        values = tf.constant(images)
        tape.watch(values)
        loss = tf.reduce_sum(tf.nn.max_pool2d(values, 2, 2, "VALID") * weights)
    found = signal.max_pool2d_backward(weights, images)
    assert found[0, ::2, ::2, 0].tolist() == [[1, 2], [3, 4]]
    assert np.array_equal(found, tape.gradient(loss, values))


def test_sizes_of_the_lecture():
    """Lecture 1: 5x5 under 3x3, step 1, gives 3x3; 4x28x28 under 2x2, step 2, gives 4x14x14."""
    assert signal.max_pool2d(np.zeros((1, 5, 5, 1)), 3, 1).shape == (1, 3, 3, 1)
    assert signal.max_pool2d(np.zeros((1, 28, 28, 4)), 2, 2).shape == (1, 14, 14, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: signal.max_pool2d(np.ones((4, 4))), "expected images"),
        (lambda: signal.max_pool2d(np.ones((1, 4, 4, 1)), 5), "window fit into the image"),
        (
            lambda: signal.max_pool2d_backward(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1))),
            r"shape of the output, \(1, 2, 2, 1\)",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
