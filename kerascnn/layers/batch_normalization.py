"""Batch normalisation (arXiv:1502.03167) by TensorFlow's fused kernel where there is one.

Keras 3 computes the moments and the affine map as separate operations on every backend. On
TensorFlow one kernel does all of it, forward and backward, in fewer passes over the data. In
inference the map is affine with known numbers, so in a graph a convolution just before it takes the
factors into its filters, and only an offset per channel is left to do (section 3.1).
"""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
@arguments.input_errors
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with the same arguments, weights and results, faster.

    The fused kernel is used on the TensorFlow backend for channels-last images without a mask;
    everything else takes Keras's own way. `kerascnn.layers.to_stock` turns a model that contains
    it into one of Keras's layers alone.
    """

    def call(self, inputs, training=None, mask=None):
        if not self._fusible(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        x = ops.cast(inputs, self.compute_dtype)
        scale = self.gamma if self.scale else tf.ones_like(self.moving_mean)
        offset = self.beta if self.center else tf.zeros_like(self.moving_mean)
        training = training and self.trainable
        if not training and (convolution := _convolution_of(x)) is not None:
            factor = scale * tf.math.rsqrt(self.moving_variance + self.epsilon)
            return tf.nn.bias_add(
                _with_factors(convolution, factor), offset - self.moving_mean * factor
            )
        # The kernel keeps statistics and parameters in float32, also for float16 images.
        scale, offset = ops.cast(scale, "float32"), ops.cast(offset, "float32")
        if not training:
            y, _, _ = tf.compat.v1.nn.fused_batch_norm(
                x,
                scale,
                offset,
                mean=ops.cast(self.moving_mean, "float32"),
                variance=ops.cast(self.moving_variance, "float32"),
                epsilon=self.epsilon,
                is_training=False,
            )
            return y
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, scale, offset, epsilon=self.epsilon, is_training=True
        )
        # The kernel reports the unbiased variance; Keras keeps the biased one.
        count = ops.cast(ops.size(x) / ops.shape(x)[-1], "float32")
        variance = variance * (count - 1) / ops.maximum(count, 1)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return y

    def _fusible(self, inputs, mask) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and mask is None
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and not getattr(self, "renorm", False)  # newer than the oldest Keras we take
            and not self.synchronized
            and self.compute_dtype in ("float32", "float16", "bfloat16")
        )

    def _move(self, average, value):
        value = ops.cast(value, average.dtype)
        average.assign(average * self.momentum + value * (1 - self.momentum))


def _convolution_of(x):
    """The convolution in a TensorFlow graph that made x, without a bias; None if there is none.

    Where something else uses its result as well, it is computed twice.
    """
    operation = getattr(x, "op", None)  # eager tensors have none
    if operation is None or operation.type not in ("Conv2D", "DepthwiseConv2dNative"):
        return None
    known = operation.get_attr("data_format") == b"NHWC" and x.dtype.name == "float32"
    return operation if known else None


def _with_factors(convolution, factor):
    """The same convolution with the filters of each output channel multiplied by its factor."""
    import tensorflow as tf

    x, filters = convolution.inputs
    names = ("strides", "padding", "explicit_paddings", "dilations")
    options = {name: convolution.get_attr(name) for name in names}
    if convolution.type == "Conv2D":
        return tf.raw_ops.Conv2D(input=x, filter=filters * factor, **options)
    # Filters are [rows, columns, channels, multiplier]; output channels are the last two.
    filters = filters * tf.reshape(factor, filters.shape[2:])
    return tf.raw_ops.DepthwiseConv2dNative(input=x, filter=filters, **options)
