"""Batch normalisation (arXiv:1502.03167) by TensorFlow's fused kernel where there is one.

Keras 3 computes the moments and the affine map as separate operations on every backend. On
TensorFlow one kernel does all of it, forward and backward, in fewer passes over the data.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerascnn")
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
        # The kernel keeps statistics and parameters in float32, also for float16 images.
        scale, offset = ops.cast(scale, "float32"), ops.cast(offset, "float32")
        if not training or not self.trainable:
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
