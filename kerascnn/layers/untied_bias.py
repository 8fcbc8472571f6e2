"""One bias per unit instead of one per feature map (LeCun et al. 1989, section 3.1)."""

import keras

from kerascnn.errors import InputError


@keras.saving.register_keras_serializable(package="kerascnn")
class UntiedBias(keras.layers.Layer):
    """Adds a trainable bias to every position of every map: `height * width * channels` of them.

    The spatial size of the input must be known.
    """

    def build(self, input_shape):
        if any(size is None for size in input_shape[1:]):
            raise InputError(
                "`UntiedBias` has one bias per position, so it needs a known input size. "
                f"Received: input_shape={tuple(input_shape)}."
            )
        self.bias = self.add_weight(name="bias", shape=input_shape[1:], initializer="zeros")

    def call(self, x):
        return x + self.bias

    def compute_output_shape(self, input_shape):
        return input_shape
