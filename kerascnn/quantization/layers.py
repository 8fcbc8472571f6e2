"""The layers that quantisation-aware training puts into a model."""

from typing import Any

import keras
from keras import ops

from kerascnn.errors import InputError
from kerascnn.layers import DepthwiseConv2D
from kerascnn.quantization.grid import round_activations, round_weights

Tensor = Any

# Axes of one output channel in the kernel of each layer whose weights are rounded.
_AXES = {"dense": (0,), "conv": (0, 1, 2), "depthwise": (0, 1), "transposed": (0, 1, 3)}
_CALLS = {
    keras.layers.Dense.call: "dense",
    keras.layers.Conv2D.call: "conv",  # of TrueConv2D and GroupedConv2D too
    keras.layers.DepthwiseConv2D.call: "depthwise",
    DepthwiseConv2D.call: "depthwise",
    keras.layers.Conv2DTranspose.call: "transposed",
}


def has_rounded_weights(layer: Any) -> bool:
    """Whether `QuantizedWeights` knows how to compute this layer."""
    return getattr(type(layer), "call", None) in _CALLS and (
        getattr(layer, "data_format", "channels_last") == "channels_last"
    )


@keras.saving.register_keras_serializable(package="kerascnn")
class FakeQuantize(keras.layers.Layer):
    """Rounds activations to the int8 grid of a range that it learns while the model trains.

    The range is a moving average of the smallest and the largest value of each batch (Jacob et
    al. 2018, section 3.1); until one was seen, activations pass unchanged. Activations whose scale
    the TFLite runtime fixes (softmax, sigmoid, tanh) are rounded in inference only: a probability
    that was rounded to 0 would have an infinite loss.

    Args:
        momentum: Weight of the old range, in [0, 1). The first ranges are averaged equally.
        fixed: `(low, high)` where the runtime knows the range; None to learn it.
        frozen: Keep the range as it is, in training too.
    """

    def __init__(
        self,
        *,
        momentum: float = 0.99,
        fixed: tuple[float, float] | None = None,
        frozen: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if not 0 <= momentum < 1:
            raise InputError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
        self.momentum, self.frozen = momentum, frozen
        self.fixed = None if fixed is None else (float(fixed[0]), float(fixed[1]))
        self.observing = False

    def build(self, input_shape):
        def number(name: str) -> Any:
            return self.add_weight(name=name, shape=(), initializer="zeros", trainable=False)

        self.low, self.high, self.batches = number("low"), number("high"), number("batches")

    def call(self, x, observe=True, training=None):
        """`observe=False` rounds to the range without learning from `x`."""
        if self.fixed is not None:
            return x if training else round_activations(x, *self.fixed)
        learning = training and self.trainable and not self.frozen
        if observe and (learning or self.observing):
            self._learn(ops.stop_gradient(x))
        return ops.where(self.batches > 0, round_activations(x, self.low, self.high), x)

    def _learn(self, x):
        keep = ops.minimum(self.momentum, self.batches / (self.batches + 1))
        for bound, seen in ((self.low, ops.min(x)), (self.high, ops.max(x))):
            bound.assign(bound * keep + seen * (1 - keep))
        self.batches.assign(self.batches + 1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"momentum": self.momentum, "fixed": self.fixed, "frozen": self.frozen}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="kerascnn")
class QuantizedWeights(keras.layers.Wrapper):
    """Computes a convolution or dense layer with its weights rounded to int8, per output channel.

    The layer inside keeps the exact weights, which training changes. Biases stay exact: a file
    holds them in 32 bits.

    Args:
        layer: Conv2D, DepthwiseConv2D, Conv2DTranspose or Dense, without an activation.
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if not has_rounded_weights(layer):
            raise InputError(
                "expected a channels_last Conv2D, DepthwiseConv2D, Conv2DTranspose or Dense layer. "
                f"Received: {type(layer).__name__} {layer.name!r}."
            )
        if layer.activation not in (None, keras.activations.linear):
            raise InputError(
                f"the layer {layer.name!r} has an activation. Give it none, and put the activation "
                "behind it as a layer."
            )
        self._kind = _CALLS[type(layer).call]

    def rounded_kernel(self) -> Tensor:
        """The kernel that the layer computes with, float32, in the shape of its own."""
        return round_weights(ops.cast(self.layer.kernel, "float32"), _AXES[self._kind])

    def call(self, x):
        return self.outputs(x, self.rounded_kernel())

    def outputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        """What the layer gives for `x` with another kernel in place of its own."""
        layer, kernel = self.layer, ops.cast(kernel, self.compute_dtype)
        if self._kind == "dense":
            outputs = ops.matmul(x, kernel)
        elif self._kind == "conv":
            outputs = layer.convolution_op(x, kernel)
        else:
            options = {
                "strides": layer.strides,
                "padding": layer.padding,
                "dilation_rate": layer.dilation_rate,
                "data_format": layer.data_format,
            }
            if self._kind == "depthwise":
                outputs = ops.depthwise_conv(x, kernel, **options)
            else:
                options["output_padding"] = layer.output_padding
                outputs = ops.conv_transpose(x, kernel, **options)
        return outputs + ops.cast(layer.bias, outputs.dtype) if layer.use_bias else outputs

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable(package="kerascnn")
class FoldedBatchNormalization(keras.layers.Wrapper):
    """A batch normalisation whose statistics can be frozen during training.

    It normalises what comes from weights that are rounded per output channel. The file holds these
    weights times the layer's factors, and rounding them again gives the same integers (see
    `round_weights`), so nothing has to be folded or corrected while training.

    Args:
        layer: The batch normalisation.
        frozen: Normalise by the moving averages in training too, and leave them as they are;
            gamma and beta still learn (arXiv:1806.08342, section 3.2.2).
    """

    def __init__(self, layer: keras.layers.Layer, *, frozen: bool = False, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.frozen = frozen

    def call(self, x, training=None):
        return self.layer(x, training=bool(training) and not self.frozen)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "frozen": self.frozen}
