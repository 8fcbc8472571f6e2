"""Scaled hyperbolic tangent (LeCun et al. 1998, Proc. IEEE, appendix A)."""

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class ScaledTanh(keras.layers.Layer):
    """Squashes to `amplitude * tanh(slope * x)`.

    With the default values f(1) = 1 and f(-1) = -1, and the second derivative is largest in
    magnitude there, so that targets of +-1 do not drive the units into saturation.

    Args:
        amplitude: Largest absolute output.
        slope: Factor on the input.
    """

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3, **kwargs):
        super().__init__(**kwargs)
        self.amplitude = arguments.positive("amplitude", amplitude)
        self.slope = arguments.positive("slope", slope)
        self.supports_masking = True

    def call(self, x):
        return self.amplitude * ops.tanh(self.slope * x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "amplitude": self.amplitude, "slope": self.slope}
