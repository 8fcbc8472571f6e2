"""A derivative on each backend of Keras, which has no operation for it."""

from collections.abc import Callable
from typing import Any

import keras

Tensor = Any
Mark = Callable[[Tensor], Tensor]


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

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        result = function(at)
    return tape.gradient(result, at)


def gradient_inside(
    function: Callable[[Mark], tuple[Tensor, Tensor]],
) -> tuple[Tensor, Tensor, Tensor]:
    """Derivative with respect to a tensor that a computation comes across on its way.

    One pass forward, and backward only as far as that tensor.

    Args:
        function: Takes `mark`, calls `mark(tensor)` at the place in question, goes on with what
            that returns, and gives a number and one more result. Of several marks the last counts.

    Returns:
        The derivative, or None where the number does not depend on the tensor; the tensor, or None
        if nothing was marked; the other result.
    """
    if keras.backend.backend() == "jax":
        return _gradient_inside_jax(function)
    marked: list[Tensor] = []
    if keras.backend.backend() == "torch":
        import torch

        def mark(tensor: Tensor) -> Tensor:
            marked[:] = [tensor.detach().requires_grad_()]
            return marked[0]

        number, other = function(mark)
        if not marked or not number.requires_grad:
            return None, marked[0] if marked else None, other
        return torch.autograd.grad(number, marked[0], allow_unused=True)[0], marked[0], other
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def mark(tensor: Tensor) -> Tensor:
            tape.watch(tensor)
            marked[:] = [tensor]
            return tensor

        number, other = function(mark)
    return (tape.gradient(number, marked[0]), marked[0], other) if marked else (None, None, other)


def _gradient_inside_jax(function: Any) -> tuple[Tensor, Tensor, Tensor]:
    import jax
    from jax import numpy as jnp

    last = -1  # until the first, abstract run has counted the marks

    def run(offset: Tensor) -> tuple[Tensor, tuple[list[Tensor], Tensor]]:
        marked: list[Tensor] = []

        def mark(tensor: Tensor) -> Tensor:
            if len(marked) == last:
                tensor = tensor + offset
            marked.append(tensor)
            return tensor

        number, other = function(mark)
        return number, (marked, other)

    _, (marked, other) = jax.eval_shape(run, 0.0)
    if not marked:
        return None, None, run(0.0)[1][1]
    last = len(marked) - 1
    offset = jnp.zeros(marked[last].shape, marked[last].dtype)
    slopes, (marked, other) = jax.grad(run, has_aux=True)(offset)
    return slopes, marked[last], other
