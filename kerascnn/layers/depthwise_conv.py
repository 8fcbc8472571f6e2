"""Depthwise convolution with large windows, trained faster on TensorFlow.

TensorFlow's kernel for the gradient of 5x5 and 7x7 depthwise filters takes 3 to 20 times as long
as the convolution itself. That gradient is a depthwise convolution too: of the input, with the
gradient of the output as its filters, where each image's channel counts as a channel of its own.
"""

import keras

from kerascnn import arguments

# Smaller windows have a fast kernel.
SMALLEST_WINDOW = 5


@keras.saving.register_keras_serializable(package="kerascnn")
@arguments.input_errors
class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with the same arguments, weights and results, faster.

    The faster gradient is taken in training on the TensorFlow backend and a CPU, for windows of
    5x5 or larger with a step of 1; everything else takes Keras's own way.
    `kerascnn.layers.to_stock` turns it into Keras's layer.
    """

    def call(self, inputs, training=None):
        if not training or not self._large():
            return super().call(inputs)
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
            return super().call(inputs)
        outputs = _depthwise(inputs, tf.convert_to_tensor(self.kernel), self.padding.upper())
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _large(self) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and self.data_format == "channels_last"
            and min(self.kernel_size) >= SMALLEST_WINDOW
            and self.strides in (1, (1, 1))
            and self.dilation_rate in (1, (1, 1))
            and self.depth_multiplier == 1
            and self.padding in ("same", "valid")
            and self.compute_dtype == "float32"
        )


def _depthwise(x, kernel, padding):
    """Convolves maps (n, h, w, c) by filters (rows, columns, c, 1), in TensorFlow."""
    import tensorflow as tf

    step = (1, 1, 1, 1)

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradient(upstream):
            wrt_x = tf.nn.depthwise_conv2d_backprop_input(
                tf.shape(x), kernel, upstream, step, padding
            )
            return wrt_x, _filter_gradient(x, upstream, kernel.shape[:2], padding)

        return tf.nn.depthwise_conv2d(x, kernel, step, padding), gradient

    return convolve(x, kernel)


def _filter_gradient(x, upstream, window, padding):
    import tensorflow as tf

    if padding == "SAME":
        border = [((size - 1) // 2, size // 2) for size in window]
        x = tf.pad(x, ((0, 0), *border, (0, 0)))
    images, channels = tf.shape(x)[0], x.shape[-1]

    def side_by_side(maps):  # (n, h, w, c) -> (h, w, n * c)
        height, width = tf.shape(maps)[1], tf.shape(maps)[2]
        return tf.reshape(tf.transpose(maps, (1, 2, 0, 3)), (height, width, images * channels))

    wide = tf.nn.depthwise_conv2d(
        side_by_side(x)[None], side_by_side(upstream)[..., None], (1, 1, 1, 1), "VALID"
    )
    per_image = tf.reshape(wide, (*window, images, channels))
    return tf.reduce_sum(per_image, axis=2)[..., None]
