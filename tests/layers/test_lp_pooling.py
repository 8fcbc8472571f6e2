"""Lp pooling against plain numpy, its limits, and the gradient where a window is empty."""

import itertools

import keras
import numpy as np
import pytest

from kerascnn.layers import LpPooling2D

RNG = np.random.default_rng(0)


def by_loops(x, side, p, stride, padding):
    batch, height, width, channels = x.shape
    if padding == "same":
        rows, columns = -(-height // stride), -(-width // stride)
        missing = [
            max(0, (count - 1) * stride + side - size)
            for count, size in ((rows, height), (columns, width))
        ]
        x = np.pad(x, ((0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)))
    else:
        rows, columns = (height - side) // stride + 1, (width - side) // stride + 1
    y = np.empty((batch, rows, columns, channels))
    for r, c in itertools.product(range(rows), range(columns)):
        window = x[:, r * stride : r * stride + side, c * stride : c * stride + side]
        y[:, r, c] = (np.abs(window) ** p).sum(axis=(1, 2)) ** (1 / p)
    return y


@pytest.mark.parametrize("p", [1, 2, 2.5, 4])
@pytest.mark.parametrize(("side", "stride"), [(2, 2), (3, 2), (3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_equals_plain_loops(p, side, stride, padding):
    x = RNG.normal(size=(2, 7, 8, 3)).astype("float32")
    layer = LpPooling2D(side, p=p, strides=stride, padding=padding)
    wanted = by_loops(x, side, p, stride, padding)
    np.testing.assert_allclose(layer(x), wanted, rtol=1e-4)
    assert layer.compute_output_shape((None, 7, 8, 3)) == (None, *wanted.shape[1:])


def test_a_large_exponent_comes_near_to_the_maximum():
    x = np.abs(RNG.normal(size=(1, 8, 8, 4))).astype("float32")
    largest = np.asarray(keras.layers.MaxPooling2D(2)(x))
    np.testing.assert_allclose(LpPooling2D(2, p=30)(x), largest, rtol=0.05)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_an_empty_window_is_zero_and_has_a_finite_gradient(p):
    import tensorflow as tf

    x = tf.zeros((1, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = LpPooling2D(2, p=p)(x)
    assert not np.asarray(y).any()
    assert np.isfinite(tape.gradient(y, x)).all()


def test_float16_does_not_overflow():
    x = np.full((1, 2, 2, 1), 1000.0, "float16")
    assert float(LpPooling2D(2, dtype="mixed_float16")(x)[0, 0, 0, 0]) == 2000.0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"pool_size": 0}, "at least 1"),
        ({"pool_size": 2, "strides": 0}, "at least 1"),
        ({"pool_size": 2, "p": 0.5}, "`p` must be"),
        ({"pool_size": 2, "p": float("inf")}, "`p` must be"),
        ({"pool_size": 2, "padding": "full"}, "`padding` must be"),
    ],
)
def test_unusable_arguments_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        LpPooling2D(**config)
