"""Local response normalisation (Krizhevsky et al., NIPS 2012, section 3.3)."""

import math

import keras
import numpy as np
from keras import ops

from kerascnn import arguments
from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each unit by a measure of the activity of neighbouring maps at its position.

    y[i] = x[i] / (k + alpha * sum of x[j]^2 over the `n` maps j around i) ** beta

    as the paper has it: `alpha` is not divided by `n`, which Caffe and PyTorch do (their 1e-4 with
    n=5 is 2e-5 here). Maps beyond the first and the last count as zero.

    The sums are one product with a banded 0/1 matrix, not TensorFlow's kernel of the same name. On
    AlexNet's maps that was 1.5 to 7 times faster in training, and 24 times as a TFLite file, where
    it stays in one partition with the convolutions around it and can be quantised.

    Args:
        n: Number of maps that are summed, the unit's own in their middle; odd.
        k: Added to the sum, above 0.
        alpha: Factor of the sum, above 0.
        beta: Exponent.
        groups: Blocks of maps that do not see each other, such as AlexNet's two towers.
    """

    def __init__(
        self,
        n: int = 5,
        *,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        groups: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.n = arguments.whole("n", n)
        if self.n % 2 == 0:
            arguments.refuse("n", "an odd number", n)
        self.k, self.alpha = arguments.positive("k", k), arguments.positive("alpha", alpha)
        self.beta = arguments.number("beta", beta)
        self.groups = arguments.whole("groups", groups)

    def build(self, input_shape):
        maps = input_shape[-1]
        if maps % self.groups:
            raise InputError(
                f"`groups` must divide the number of maps. Received: groups={self.groups}, "
                f"input_shape={tuple(input_shape)}."
            )
        place = np.arange(maps)
        near = np.abs(place[:, None] - place) <= self.n // 2
        tower = place // (maps // self.groups)
        self._neighbours = (near & (tower[:, None] == tower)).astype("float32")

    def call(self, x):
        # alpha goes in before the square, which would overflow in float16.
        squares = ops.square(x * math.sqrt(self.alpha))
        return x * self._power(ops.matmul(squares, ops.cast(self._neighbours, x.dtype)) + self.k)

    def _power(self, x):
        """x ** -beta; the common case without a power, which is slow and seldom delegated."""
        if self.beta != 0.75:
            return ops.power(x, -self.beta)
        root = ops.rsqrt(x)
        return root * ops.sqrt(root)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "n": self.n,
            "k": self.k,
            "alpha": self.alpha,
            "beta": self.beta,
            "groups": self.groups,
        }
