"""Formulas that run as one pass over memory: compiled by XLA, for training on a CPU.

TensorFlow runs a formula such as that of GELU as one kernel per operation, a dozen with its
gradient, and each reads and writes whole feature maps. Compiled, it is one kernel forward and one
backward. Compiling takes some 40 ms per shape of the maps.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras

Tensor = Any


@functools.cache
def available() -> bool:
    """TensorFlow on a CPU, built with XLA. With a GPU, Keras compiles the whole training step."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
        return False
    try:
        with tf.init_scope():
            tf.function(tf.square, jit_compile=True, autograph=False)(tf.zeros((4,)))
    except (tf.errors.OpError, ValueError):  # a TensorFlow without XLA
        return False
    return True


def with_gradient(
    formula: Callable[[Tensor], Tensor], gradient: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """The compiled form of an elementwise TensorFlow formula.

    Args:
        formula: From x to y.
        gradient: From x and the gradient of y to the gradient of x.
    """
    import tensorflow as tf

    forward = tf.function(formula, jit_compile=True, autograph=False)
    backward = tf.function(gradient, jit_compile=True, autograph=False)

    @tf.custom_gradient
    def apply(x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        return forward(x), lambda upstream: backward(x, upstream)

    return apply
