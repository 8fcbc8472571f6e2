"""A derivative on each backend of Keras, which has no operation for it."""

from collections.abc import Callable
from typing import Any

import keras

Tensor = Any


def gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Derivative of a function with one number as its result, as a tensor of the shape of `at`.

    Args:
        function: Made of Keras operations and layers; from a tensor to a tensor without axes.
        at: Where.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(at)
    if keras.backend.backend() == "torch":
        import torch

        at = at.detach().requires_grad_()
        return torch.autograd.grad(function(at), at)[0]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(at)
        result = function(at)
    return tape.gradient(result, at)
