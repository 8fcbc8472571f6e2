"""Convolution as mathematics defines it, with the kernel turned by half a turn."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
@arguments.input_errors
class TrueConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with a flipped kernel: S(i, j) = sum of I(i - m, j - n) K(m, n).

    What networks call convolution is cross-correlation, I(i + m, j + n) K(m, n). The two differ by
    the order of the weights only, so a network learns the same with either; they differ where a
    kernel is given, such as an edge filter, and in algebra: only convolution commutes. Arguments,
    weights and cost are those of `Conv2D`.
    """

    def convolution_op(self, inputs, kernel):
        # One axis after the other: before Keras 3.10, `ops.flip` took no tuple of axes.
        turned = ops.flip(ops.flip(kernel, axis=0), axis=1)
        return super().convolution_op(inputs, turned)
