"""Padding with a background level other than zero (LeCun et al. 1989, section 3.1)."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class ConstantPadding2D(keras.layers.Layer):
    """Surrounds images or feature maps (batch, height, width, channels) by a constant.

    Args:
        padding: Rows added above and below, and columns added left and right.
        value: What the border holds.
    """

    def __init__(self, padding: int, *, value: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.padding = arguments.whole("padding", padding, least=0)
        self.value = arguments.number("value", value)

    def call(self, x):
        border = (self.padding, self.padding)
        return ops.pad(x, ((0, 0), border, border, (0, 0)), constant_values=self.value)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [None if size is None else size + 2 * self.padding for size in (height, width)]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "value": self.value}
