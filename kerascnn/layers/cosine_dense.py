"""Cosine classifier (arXiv:1804.09458, section 3.3; arXiv:1904.04232, "Baseline++")."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class CosineDense(keras.layers.Layer):
    """Cosine of the angle between the features and one weight vector per class, times a scale.

    Features (batch, n) become scores (batch, units). Their length has no say, only their
    direction: classes with few images are not at a disadvantage against those with many.

    Args:
        units: Number of classes.
        scale: Factor of the cosines, which lie in -1..1: where it starts if it is learnt.
        learn_scale: Train the scale with the weights.
        activation: Function of the scores, such as "softmax".
    """

    def __init__(
        self,
        units: int,
        *,
        scale: float = 10.0,
        learn_scale: bool = True,
        activation: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = arguments.whole("units", units)
        self.scale = arguments.positive("scale", scale)
        self.learn_scale = arguments.flag("learn_scale", learn_scale)
        self.activation = arguments.activation("activation", activation)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.factor = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.scale),
            trainable=self.learn_scale,
            name="scale",
        )

    def call(self, x):
        # In float32: the squares of some thousand features are too much for float16.
        x = _unit_length(ops.cast(x, "float32"), axis=-1)
        kernel = _unit_length(ops.cast(self.kernel, "float32"), axis=0)
        scores = ops.matmul(x, kernel) * ops.cast(self.factor, "float32")
        return ops.cast(self.activation(scores), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def compute_macs(self, input_shape):
        """The matrix product, and the squares of the features."""
        return input_shape[-1] * (self.units + 1)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "scale": self.scale,
            "learn_scale": self.learn_scale,
            "activation": keras.activations.serialize(self.activation),
        }


def _unit_length(x, axis):
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, 1e-12))
