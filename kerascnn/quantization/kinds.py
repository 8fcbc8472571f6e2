"""What a layer does to the scale of its input, by the rules of the TFLite runtime.

Rules of operators: the TFLite 8-bit quantisation specification; which scales a file shares follows
the quantiser that writes it.
"""

from typing import Any

import keras
import numpy as np

# They only move values about, or drop some, or leave them alone in inference: the values stay on
# the grid they were on.
_KEEPS = {
    *("ActivityRegularization", "AlphaDropout", "Cast", "Cropping2D", "Dropout", "ExpandDims"),
    *("Flatten", "GaussianDropout", "GaussianNoise", "Identity", "MaxPooling2D", "Permute"),
    *("Reshape", "SpatialDropout2D", "Squeeze", "StochasticDepth", "Transpose", "ZeroPadding2D"),
}
# They compute new values, on the grid of their input.
_AVERAGES = {"AveragePooling2D", "Resizing", "UpSampling2D"}
# Their inputs and their output are on one grid.
_SHARE_SCALE = {"Concatenate", "Maximum"}
# The file computes a ReLU behind them in the same operator.
_FUSES = {"Add", "BatchNormalization", "Multiply", "Subtract"}

# Ranges that the runtime fixes: scale 1/256 from 0 on, and 1/128 around 0.
_FIXED = {
    "sigmoid": (0.0, 255 / 256),
    "softmax": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}


def kind(operation: Any) -> str:
    """The class name of an operation of Keras or kerascnn; "" of any other."""
    module = type(operation).__module__.partition(".")[0]
    return type(operation).__name__ if module in ("keras", "kerascnn") else ""


def keeps_grid(operation: Any) -> bool:
    """Whether all outputs are values of the input."""
    if kind(operation) == "Activation":
        return operation.activation is keras.activations.linear
    return kind(operation) in _KEEPS or _is_nearest(operation)


def shifts_pixels(operation: Any) -> bool:
    """Whether it scales pixels by one number and shifts them: a file folds the scale alone."""
    if kind(operation) != "Rescaling":
        return False
    return np.ndim(operation.scale) == 0 and operation.scale > 0 and bool(np.any(operation.offset))


def prepares_pixels(operation: Any) -> bool:
    """Whether a file folds all of it into the first convolution, or computes pixels exactly."""
    return kind(operation) in ("Normalization", "Rescaling") and not shifts_pixels(operation)


def averages(operation: Any) -> bool:
    """Whether new values have to be rounded to the grid of the input."""
    return kind(operation) in _AVERAGES and not _is_nearest(operation)


def shares_scale(operation: Any) -> bool:
    """Whether inputs and output share one grid."""
    return kind(operation) in _SHARE_SCALE


def fuses_relu(operation: Any) -> bool:
    """Whether a ReLU behind it costs no rounding of its own; for layers with weights see there."""
    return kind(operation) in _FUSES


def is_relu(operation: Any) -> bool:
    """Whether it is a ReLU or a ReLU6, as the operators of a file can apply them."""
    if kind(operation) == "ReLU":
        plain = not operation.negative_slope and not operation.threshold
        return plain and operation.max_value in (None, 6)
    return activation_name(operation) in ("relu", "relu6")


def fixed_range(operation: Any) -> tuple[float, float] | None:
    """The range of an activation whose scale the runtime knows."""
    return _FIXED.get(activation_name(operation))


def activation_name(operation: Any) -> str:
    """The name of the function, if the operation is an activation and nothing else."""
    name = kind(operation)
    if name == "Activation":
        return getattr(operation.activation, "__name__", "")
    return name.lower() if name in ("Relu", "Relu6", "Sigmoid", "Softmax", "Tanh") else ""


def _is_nearest(operation: Any) -> bool:
    return kind(operation) == "UpSampling2D" and operation.interpolation == "nearest"
