"""Layer scale (arXiv:2103.17239, section 3): one trainable factor per channel of a branch."""

import keras

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a trainable factor that starts small.

    At the end of a residual branch this lets a deep network start near the identity.

    Args:
        initial: What all factors start as.
    """

    def __init__(self, initial: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.initial = arguments.number("initial", initial)
        self.supports_masking = True

    def build(self, input_shape):
        self.factor = self.add_weight(
            name="factor",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial),
        )

    def call(self, x):
        return x * self.factor

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}
