"""The array libraries that augmentation runs on: one small vocabulary, three implementations.

`keras.ops` is the vocabulary. Inside `tf.data` the arrays are TensorFlow's whatever the Keras
backend is, and NumPy arrays need no framework at all; these two get the same names here.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Namespace = Any


class _Names:
    """Functions under the names of `keras.ops`."""

    def __init__(self, **names: Any):
        self.__dict__.update(names)


@functools.cache
def numpy_namespace() -> Namespace:
    """NumPy, under the names of `keras.ops`."""
    names = (
        *("abs", "amax", "amin", "arange", "arctan2", "bitwise_and", "bitwise_or", "bitwise_xor"),
        *("broadcast_to", "clip", "concatenate", "cos", "cumsum", "exp", "flip", "floor", "log"),
        *(
            "left_shift",
            "linspace",
            "matmul",
            "maximum",
            "minimum",
            "pad",
            "reshape",
            "right_shift",
        ),
        *("roll", "round", "sin", "sqrt", "stack", "sum", "take", "transpose", "where"),
    )
    return _Names(
        **{name: getattr(np, name) for name in names},
        cast=lambda x, dtype: np.asarray(x).astype(dtype),
        convert_to_tensor=np.asarray,
        shape=np.shape,
        count_bytes=_counter(np.bincount),
        compile=lambda function: function,
        name="numpy",
    )


@functools.cache
def tensorflow_namespace() -> Namespace:
    """TensorFlow, under the names of `keras.ops`."""
    import tensorflow as tf

    def shape(x: Array) -> tuple[Any, ...]:
        """Numbers where they are known when the graph is built, else tensors."""
        static = x.shape.as_list()
        if None not in static:
            return tuple(static)
        dynamic = tf.shape(x)
        return tuple(dynamic[i] if side is None else side for i, side in enumerate(static))

    def pad(x: Array, width: Any, mode: str = "constant", constant_values: Any = 0) -> Array:
        mode = "SYMMETRIC" if mode == "symmetric" else mode.upper()
        return tf.pad(x, width, mode=mode, constant_values=constant_values)

    def reduced(function: Callable) -> Callable:
        return lambda x, axis=None, keepdims=False: function(x, axis=axis, keepdims=keepdims)

    return _Names(
        **{
            name: getattr(tf, name) for name in ("abs", "broadcast_to", "cast", "convert_to_tensor")
        },
        **{name: getattr(tf, name) for name in ("cos", "exp", "floor", "matmul", "maximum")},
        **{name: getattr(tf, name) for name in ("minimum", "reshape", "round", "sin", "sqrt")},
        **{name: getattr(tf, name) for name in ("stack", "transpose", "where")},
        arctan2=tf.atan2,
        amax=reduced(tf.reduce_max),
        amin=reduced(tf.reduce_min),
        sum=reduced(tf.reduce_sum),
        arange=lambda stop, dtype="int32": tf.range(stop, dtype=dtype),
        bitwise_and=tf.bitwise.bitwise_and,
        bitwise_or=tf.bitwise.bitwise_or,
        bitwise_xor=tf.bitwise.bitwise_xor,
        left_shift=tf.bitwise.left_shift,
        right_shift=tf.bitwise.right_shift,
        clip=tf.clip_by_value,
        concatenate=tf.concat,
        cumsum=tf.cumsum,
        flip=lambda x, axis: tf.reverse(x, [axis]),
        log=tf.math.log,
        pad=pad,
        roll=tf.roll,
        take=lambda x, indices, axis=None: (
            tf.gather(tf.reshape(x, (-1,)), indices)
            if axis is None
            else tf.gather(x, indices, axis=axis)
        ),
        bitcast=tf.bitcast,
        shape=shape,
        count_bytes=lambda rows: tf.math.bincount(rows, minlength=256, maxlength=256, axis=-1),
        put=tf.tensor_scatter_nd_update,
        scatter=tf.scatter_nd,
        compile=lambda function: tf.function(function, jit_compile=_has_xla(), autograph=False),
        name="tensorflow",
    )


def _counter(bincount: Callable) -> Callable:
    """Counts the values 0..255 in each row of `[rows, k]`: `[rows, 256]`."""

    def count_bytes(rows: Array) -> Array:
        number = rows.shape[0]
        offsets = 256 * np.arange(number, dtype=np.int32)[:, None]
        counted = bincount((rows + offsets).reshape(-1), minlength=256 * number)
        return counted.reshape(number, 256)

    return count_bytes


@functools.cache
def keras_namespace() -> Namespace:
    """The current Keras backend: `keras.ops`, with its own histogram and compiler."""
    import keras
    from keras import ops

    backend = keras.backend.backend()
    if backend == "tensorflow":
        return tensorflow_namespace()
    names = [name for name in vars(numpy_namespace()) if hasattr(ops, name)]
    found = {name: getattr(ops, name) for name in names}
    found["compile"] = lambda function: function
    if backend == "jax":
        import jax
        import jax.numpy

        def counts(x: Array, minlength: int) -> Array:
            return jax.numpy.bincount(x, length=minlength)

        found["compile"] = jax.jit
        found["count_bytes"] = _counter(counts)
    else:
        found["count_bytes"] = _counter(ops.bincount)
    return _Names(**found, name=backend)


@functools.cache
def _has_xla() -> bool:
    """Whether this TensorFlow can compile for this machine."""
    import tensorflow as tf

    try:
        with tf.init_scope():
            tf.function(tf.square, jit_compile=True, autograph=False)(tf.zeros((4,)))
    except (tf.errors.OpError, ValueError):
        return False
    return True


def namespace_of(x: Array) -> Namespace:
    """The namespace that the array `x` belongs to."""
    if isinstance(x, np.ndarray | np.generic | list | tuple | int | float):
        return numpy_namespace()
    if type(x).__module__.startswith("tensorflow"):
        return tensorflow_namespace()
    return keras_namespace()
