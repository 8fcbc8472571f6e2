"""Trainable sub-sampling: S2 and S4 of LeNet-5 (LeCun et al. 1998, Proc. IEEE, section II.B)."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class TrainableSubsampling2D(keras.layers.Layer):
    """Adds the inputs of each window, times one coefficient, plus one bias, per feature map.

    The windows do not overlap. The two trainable numbers per map start as 1 / window area and 0,
    which is average pooling. Maps (batch, height, width, channels) become
    (batch, height // pool_size, width // pool_size, channels).

    Args:
        pool_size: Side of the square window.
    """

    def __init__(self, pool_size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = arguments.whole("pool_size", pool_size)

    def build(self, input_shape):
        channels = input_shape[-1]
        average = keras.initializers.Constant(1 / self.pool_size**2)
        self.coefficient = self.add_weight(
            name="coefficient", shape=(channels,), initializer=average
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def call(self, x):
        # As a depthwise convolution with equal taps, which a device runs as a single operator.
        window = ops.ones((self.pool_size, self.pool_size, 1, 1), dtype=self.compute_dtype)
        kernel = window * ops.reshape(self.coefficient, (1, 1, -1, 1))
        return ops.depthwise_conv(x, kernel, strides=self.pool_size) + self.bias

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        shrunk = [None if size is None else size // self.pool_size for size in (height, width)]
        return (batch, *shrunk, channels)

    def compute_macs(self, input_shape):
        """One multiplication per output, as the paper counts it: the sum comes before it."""
        _, height, width, channels = self.compute_output_shape(input_shape)
        return height * width * channels

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}
