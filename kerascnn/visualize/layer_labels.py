"""A few words for each layer, as diagrams need them."""

import re
from typing import Any

import keras
from keras import layers

# Kinds of boxes.
CONVOLUTION, POOLING, DENSE, MERGE, OTHER = "conv", "pool", "dense", "merge", "other"
SHORT = {
    "BatchNormalization": "BN",
    "LayerNormalization": "LN",
    "GroupNormalization": "GN",
    "LocalResponseNormalization": "LRN",
    "ZeroPadding2D": "pad",
    "ConstantPadding2D": "pad",
    "Rescaling": "rescale",
    "InputLayer": "input",
    "Concatenate": "concatenate",
    "GlobalAveragePooling2D": "global average pool",
    "GlobalMaxPooling2D": "global max pool",
    "StochasticDepth": "stochastic depth",
}
ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "silu": "SiLU"}
MERGES = ("Add", "Concatenate", "Multiply", "Average", "Maximum", "Subtract")
# They say more about the layer before them than for themselves.
FOLLOWERS = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.Softmax),
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization),
    *(layers.Dropout, layers.SpatialDropout2D),
)
FOLLOWERS_BY_NAME = (
    *("LocalResponseNormalization", "LayerScale", "StochasticDepth", "ScaledTanh", "UntiedBias"),
    *("Relu", "Relu6"),
)
PADDINGS = ("ZeroPadding2D", "ConstantPadding2D")


def kind_of(layer: Any) -> str:
    """Which kind of box a layer has."""
    name = type(layer).__name__
    if name in MERGES:
        return MERGE
    if "Conv" in name:
        return CONVOLUTION
    if "Pool" in name or "Subsampling" in name:
        return POOLING
    return DENSE if "Dense" in name else OTHER


def follows(layer: Any) -> bool:
    """Whether a layer is written behind the one before it."""
    return isinstance(layer, FOLLOWERS) or type(layer).__name__ in FOLLOWERS_BY_NAME


def pads(layer: Any) -> bool:
    """Whether a layer is written with the one behind it."""
    return type(layer).__name__ in PADDINGS


def label(layer: Any) -> str:
    """What a layer does, without its activation; empty where it does nothing."""
    name = type(layer).__name__
    if isinstance(layer, (layers.Activation, layers.ReLU, layers.Softmax)):
        return activation(layer) or (name if isinstance(layer, layers.ReLU) else "")
    if isinstance(layer, (layers.Dropout, layers.SpatialDropout2D)):
        return f"dropout {layer.rate:g}"
    if isinstance(layer, layers.Dense):
        return f"dense, {layer.units}"
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is not None and "Global" not in name:
        return _windowed(layer, name, window)
    return SHORT.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def activation(layer: Any) -> str:
    """The activation of a layer; empty if it has none."""
    if isinstance(layer, layers.Softmax):
        return "softmax"
    if isinstance(layer, layers.ReLU):
        return "ReLU6" if layer.max_value == 6 else "ReLU"
    function = getattr(layer, "activation", None)
    if function is None or function is keras.activations.linear:
        return ""
    name = getattr(function, "__name__", None) or type(function).__name__
    return ACTIVATIONS.get(name, name.replace("_", " "))


def _windowed(layer: Any, name: str, window: Any) -> str:
    sides = (window, window) if isinstance(window, int) else tuple(window)
    operation = "conv"
    if "Depthwise" in name:
        operation = "depthwise"
    elif "Separable" in name:
        operation = "separable conv"
    elif "Transpose" in name:
        operation = "transposed conv"
    elif "Pool" in name or "Subsampling" in name:
        operation = "max pool" if "Max" in name else "average pool" if "Average" in name else "pool"
    words = [f"{'x'.join(map(str, sides))} {operation}"]
    if "Depthwise" not in name and getattr(layer, "filters", None):
        words.append(str(layer.filters))
    strides = getattr(layer, "strides", None) or 1
    step = max(strides) if isinstance(strides, tuple) else strides
    if step > 1:
        words.append(f"/{step}")
    gap = getattr(layer, "dilation_rate", 1)
    gap = max(gap) if isinstance(gap, tuple) else gap
    if gap > 1:
        words.append(f"dilation {gap}")
    if (getattr(layer, "groups", 1) or 1) > 1 and "Depthwise" not in name:
        words.append(f"{layer.groups} groups")
    return ", ".join(words)
