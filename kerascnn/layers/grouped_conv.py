"""Grouped convolution (AlexNet, 2012; arXiv:1605.06489; arXiv:1611.05431) by one native kernel.

On TensorFlow, Keras 3 compiles every grouped convolution with XLA. On a CPU one training step of
a single layer with 32 groups then takes seconds, and milliseconds with TensorFlow's own kernel.
"""

import functools

import keras

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
@arguments.input_errors
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with the same arguments, weights and results, fast with `groups` > 1.

    Output map number i sees the input maps of its own group only. `kerascnn.layers.to_stock` turns
    a model that contains it into one of Keras's layers alone.
    """

    def convolution_op(self, inputs, kernel):
        if (
            keras.backend.backend() != "tensorflow"
            or self.groups == 1
            or self.data_format != "channels_last"
        ):
            return super().convolution_op(inputs, kernel)
        import tensorflow as tf

        inputs, kernel = tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel)
        convolve = functools.partial(
            tf.nn.conv2d,
            strides=self.strides,
            padding=self.padding.upper(),
            dilations=self.dilation_rate,
        )
        if _has_gradients(keras.backend.standardize_dtype(inputs.dtype)):
            return convolve(inputs, kernel)
        if max(self.dilation_rate) > 1:  # no kernel without oneDNN has gradients for it
            return super().convolution_op(inputs, kernel)
        pairs = zip(
            tf.split(inputs, self.groups, axis=-1),
            tf.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        return tf.concat([convolve(maps, kernels) for maps, kernels in pairs], axis=-1)


@functools.cache
def _has_gradients(dtype: str) -> bool:
    """Whether TensorFlow can train a grouped convolution here: on a GPU, or with oneDNN."""
    import tensorflow as tf

    with tf.init_scope():  # eagerly, also while a graph is being traced; no tape records here
        maps, kernel = tf.ones((1, 3, 3, 4), dtype), tf.ones((3, 3, 2, 4), dtype)
        common = {"out_backprop": maps, "strides": [1, 1, 1, 1], "padding": "SAME"}
        try:
            tf.raw_ops.Conv2DBackpropInput(input_sizes=maps.shape, filter=kernel, **common)
            tf.raw_ops.Conv2DBackpropFilter(input=maps, filter_sizes=kernel.shape, **common)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True
