"""A computation that is repeated many times, compiled by each backend of Keras in its own way."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

Tensor = Any


def compiled(
    function: Callable[..., Tensor], variables: Sequence[keras.Variable]
) -> Callable[..., Tensor]:
    """The same function, compiled at its first call; worth it from a few calls on.

    What it does to layers with `tapped` and the like is fixed by the first call. TensorFlow leaves
    out what is not needed, such as the gradients of filters; PyTorch computes as always.

    Args:
        function: Made of Keras operations and layers; of tensors whose shapes stay the same.
        variables: All that it reads, such as `model.variables`; they keep their values meanwhile.
    """
    if keras.backend.backend() == "jax":
        import jax

        def run(values: list[Tensor], *arguments: Tensor) -> Tensor:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return function(*arguments)

        quick = jax.jit(run)  # values are arguments: as constants they would be compiled in
        values = [variable.value for variable in variables]
        return lambda *arguments: quick(values, *arguments)
    if keras.backend.backend() == "torch":
        return function
    import tensorflow as tf

    return tf.function(function, autograph=False)
