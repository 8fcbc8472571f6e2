"""Maxout (Goodfellow et al., arXiv:1302.4389): pooling over channels instead of positions."""

import functools

import keras
from keras import ops

from kerascnn import arguments
from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class Maxout(keras.layers.Layer):
    """The largest of `pieces` channels, which leaves 1 / `pieces` of them.

    After a convolution or a dense layer this is a learned, piecewise linear, convex activation; it
    needs no other. The last axis is taken as `pieces` blocks of equal length: output i is the
    maximum of the channels i, i + length, i + 2 * length ...

    Args:
        pieces: Number of channels per output.
    """

    def __init__(self, pieces: int, **kwargs):
        super().__init__(**kwargs)
        self.pieces = arguments.whole("pieces", pieces)

    def build(self, input_shape):
        if input_shape[-1] % self.pieces:
            raise InputError(
                "`pieces` must divide the number of channels. "
                f"Received: pieces={self.pieces}, input_shape={tuple(input_shape)}."
            )

    def call(self, x):
        return functools.reduce(ops.maximum, ops.split(x, self.pieces, axis=-1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}
