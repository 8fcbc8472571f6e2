"""Classes that have an order (CORAL: Cao, Mirjalili & Raschka 2020, arXiv:1901.07884)."""

import math

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class OrdinalOutput(keras.layers.Layer):
    """Probabilities of K classes in order, from one score and K - 1 thresholds.

    Features (batch, n) become probabilities (batch, K). The probability of a class above k is
    sigmoid(score + bias[k]): the score has weights shared by all k, and the biases fall with k, so
    that these probabilities do too, for any weights (the paper shows it for trained ones). The
    output is the differences between neighbours; it sums to 1 and takes any loss for class
    probabilities.

    Args:
        classes: K, at least 2.
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = arguments.whole("classes", classes, least=2)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 1), initializer="glorot_uniform", name="kernel"
        )
        # One apart at the start, and symmetric about 0.
        self.first = self.add_weight(
            shape=(1,),
            initializer=keras.initializers.Constant((self.classes - 2) / 2),
            name="first_bias",
        )
        if self.classes > 2:
            self.steps = self.add_weight(
                shape=(self.classes - 2,),
                initializer=keras.initializers.Constant(math.log(math.e - 1)),
                name="steps",
            )

    def call(self, x):
        # In float32: differences of nearly equal numbers.
        # One score for all, K - 1 times: a dense layer with a bias for each output. The converter
        # of TensorFlow 2.18 fails on a product with one output and several biases.
        kernel = ops.tile(ops.cast(self.kernel, "float32"), (1, self.classes - 1))
        biases = ops.cast(self.first, "float32")
        if self.classes > 2:
            steps = ops.cast(self.steps, "float32")
            lower = biases - ops.cumsum(ops.softplus(steps))
            biases = ops.concatenate([biases, lower])
        logits = ops.matmul(ops.cast(x, "float32"), kernel) + biases
        above, below = ops.sigmoid(logits), ops.sigmoid(-logits)
        parts = [below[:, :1], above[:, -1:]]
        if self.classes > 2:
            # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), where a - b is
            # softplus(step): exact also where the two are nearly equal.
            parts.insert(1, above[:, :-1] * below[:, 1:] * ops.sigmoid(steps))
        return ops.cast(ops.concatenate(parts, axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.classes)

    def compute_macs(self, input_shape):
        """The scores, and two products per class between the first and the last."""
        return input_shape[-1] * (self.classes - 1) + 2 * (self.classes - 2)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
