"""Lp-norm pooling (Sermanet, Chintala, LeCun, arXiv:1204.3968, section 2.2)."""

import keras
from keras import ops

from kerascnn import arguments

# Keeps the gradient finite where a window is all zero, up to its square's inverse in float32.
TINY = 1e-18


@keras.saving.register_keras_serializable(package="kerascnn")
class LpPooling2D(keras.layers.Layer):
    """The p-norm of each window: (sum of |x|^p)^(1/p).

    p = 1 sums, p = 2 is the Euclidean norm, and a growing p comes near to the maximum of the
    magnitudes. Maps (batch, height, width, channels) become what `MaxPooling2D` would give.

    Args:
        pool_size: Side of the square windows.
        p: Exponent, at least 1.
        strides: Step of the window; None for `pool_size`.
        padding: "valid", or "same" with zeros around the maps.
    """

    def __init__(
        self,
        pool_size: int,
        *,
        p: float = 2.0,
        strides: int | None = None,
        padding: str = "valid",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.pool_size = arguments.whole("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else arguments.whole("strides", strides)
        self.p = arguments.number("p", p, "a number of at least 1", lambda p: p >= 1)
        if padding not in ("valid", "same"):
            arguments.refuse("padding", "'valid' or 'same'", padding)
        self.padding = padding

    def call(self, x):
        dtype, x = x.dtype, ops.cast(x, "float32")  # powers leave the range of float16 early
        powers = ops.square(x) if self.p == 2 else ops.power(ops.abs(x), self.p)
        ones = ops.ones((self.pool_size, self.pool_size, x.shape[-1], 1), dtype="float32")
        sums = ops.depthwise_conv(powers, ones, strides=self.strides, padding=self.padding)
        if self.p == 2:
            return ops.cast(sums * ops.rsqrt(sums + TINY), dtype)
        return ops.cast(sums * ops.power(sums + TINY, 1 / self.p - 1), dtype)

    def compute_output_shape(self, input_shape):
        batch, *sizes, channels = input_shape
        lost = self.pool_size - 1 if self.padding == "valid" else 0
        sizes = [None if size is None else -(-(size - lost) // self.strides) for size in sizes]
        return (batch, *sizes, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "p": self.p,
            "strides": self.strides,
            "padding": self.padding,
        }
