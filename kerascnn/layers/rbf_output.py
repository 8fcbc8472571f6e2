"""Euclidean radial basis function output (LeCun et al. 1998, Proc. IEEE, section II.B, eq. 7)."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerascnn import arguments
from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class RBFOutput(keras.layers.Layer):
    """Squared Euclidean distance of the input to the code of each class; the nearest class wins.

    Features (batch, n) become penalties (batch, classes), all at least 0. The negated penalties
    are logits: a softmax over them, trained with cross-entropy, is the paper's discriminative
    criterion (its eq. 9) without the constant "rubbish" class.

    Args:
        codes: One row of n numbers per class. They are constants, not weights.
    """

    def __init__(self, codes: Sequence[Sequence[float]], **kwargs):
        super().__init__(**kwargs)
        try:
            self.codes = [[float(value) for value in row] for row in codes]
        except (TypeError, ValueError):
            arguments.refuse("codes", "rows of numbers", codes)
        if not self.codes or len({len(row) for row in self.codes}) != 1:
            arguments.refuse("codes", "rows of equal length, at least one", codes)

    def build(self, input_shape):
        if input_shape[-1] != len(self.codes[0]):
            raise InputError(
                f"`codes` have {len(self.codes[0])} numbers per class, which must be the number of "
                f"input features. Received: input_shape={tuple(input_shape)}."
            )
        self.centers = np.asarray(self.codes, dtype="float32")

    def call(self, x):
        # |x - w|^2 = |x|^2 - 2 x.w + |w|^2: one matrix product, no (batch, classes, n) tensor.
        length = ops.sum(ops.square(x), axis=-1, keepdims=True)
        product = ops.matmul(x, ops.cast(self.centers.T, x.dtype))
        return length - 2 * product + ops.cast((self.centers**2).sum(axis=-1), x.dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], len(self.codes))

    def compute_macs(self, input_shape):
        """One multiplication per feature and class."""
        return input_shape[-1] * len(self.codes)

    def get_config(self):
        return {**super().get_config(), "codes": self.codes}
