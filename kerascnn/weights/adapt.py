"""Foreign weights in our names, shapes and conventions."""

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.weights.readers import LayerArrays, StateDict

Source = str | tuple[str, slice]
# What one torch module may hold, in the order in which Keras keeps it.
_TORCH_ORDER = ("weight", "bias", "running_mean", "running_var")

# The layers with weights that a model without its top does not have, beside `predictions`.
_TOPS = {
    **dict.fromkeys(("alexnet", "zfnet"), ("fc6", "fc7")),
    **dict.fromkeys(("nin", "squeezenet"), ("head_conv",)),
    "lenet": ("h3", "c5", "f6"),
    "mobilenet_v3": ("head_dense",),
    "vgg": ("fc1", "fc2"),
}


def adapt(
    layers: Mapping[str, keras.layers.Layer], arrays: LayerArrays | StateDict, family: str | None
) -> LayerArrays:
    """Translates weights for the given layers of ours.

    Weights in our own names pass through. Those of keras.applications and of torchvision or timm
    are found by the family's name rules (`kerascnn.weights.names`); convolution biases before a
    batch normalisation are folded into its moving mean, kernels are transposed, and a first
    convolution made for BGR is turned around.

    Args:
        layers: Our layers that have weights, by name.
        arrays: What `kerascnn.weights.read` returned.
        family: Family of the catalogue, or None for a model of another origin.

    Returns:
        Arrays by our names. Source layers without a counterpart keep their names, so that the
        caller can report them.
    """
    names = names_of(family)
    if isinstance(arrays, StateDict):
        return _from_torch(layers, arrays, names)
    # A model without its top leaves these out; in our names, the caller knows them.
    absent = [name for name in top_layers(family) if name not in layers]
    if not hasattr(names, "keras_name") and not hasattr(names, "keras_names"):
        return arrays
    if names is None or _share(layers, arrays) >= 0.5:
        return arrays
    return _from_keras(layers, arrays, names, absent)


def optional_prefixes(family: str | None) -> tuple[str, ...]:
    """Prefixes of layers, in our names and in foreign ones, that a model may lack."""
    return getattr(names_of(family), "OPTIONAL", ())


def top_layers(family: str | None) -> tuple[str, ...]:
    """Our names of the layers with weights that make up a family's top."""
    return (*_TOPS.get(family or "", ()), "predictions")


def names_of(family: str | None) -> ModuleType | None:
    if family is None or importlib.util.find_spec(f"kerascnn.weights.names.{family}") is None:
        return None
    return importlib.import_module(f"kerascnn.weights.names.{family}")


def _share(layers: Mapping[str, Any], arrays: LayerArrays) -> float:
    return len(layers.keys() & arrays.keys()) / max(1, len(layers))


def _from_keras(
    layers: Mapping[str, keras.layers.Layer],
    arrays: LayerArrays,
    names: ModuleType,
    absent: Sequence[str],
) -> LayerArrays:
    if hasattr(names, "prepare_keras"):
        arrays = names.prepare_keras(arrays)
    sources: Mapping[str, Source]
    if hasattr(names, "keras_names"):
        sources = names.keras_names([*layers, *absent], list(arrays))
    else:
        sources = {name: names.keras_name(name) for name in (*layers, *absent)}
    found: LayerArrays = {}
    used = set()
    for name, layer in layers.items():
        source = sources.get(name, name)
        key, part = source if isinstance(source, tuple) else (source, slice(None))
        if key in arrays:
            found[name] = [_squeezed(value, layer) for value in arrays[key][part]]
            used.add(key)
    for name in absent:
        source = sources.get(name, name)
        key = source[0] if isinstance(source, tuple) else source
        if key in arrays and key not in used:
            found[name] = arrays[key]
            used.add(key)
    fold_biases(layers, found)
    bgr = getattr(names, "BGR", None)
    if bgr in found and found[bgr][0].shape[2] == 3:
        found[bgr][0] = found[bgr][0][:, :, ::-1]
    return {**found, **{key: value for key, value in arrays.items() if key not in used}}


def _squeezed(value: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """The kernel of a 1x1 convolution on averages, for a dense layer of ours."""
    dense = isinstance(layer, keras.layers.Dense) and value.ndim == 4
    return value[0, 0] if dense and value.shape[:2] == (1, 1) else value


def _from_torch(
    layers: Mapping[str, keras.layers.Layer], state: StateDict, names: ModuleType | None
) -> LayerArrays:
    rules: tuple[Callable[[str], str], ...] = getattr(names, "torch_names", ())
    if not rules:
        raise InputError("PyTorch weights of this architecture are not supported.")

    def hits(rule: Callable[[str], str]) -> int:
        return sum(any(f"{rule(name)}.{part}" in state for part in _TORCH_ORDER) for name in layers)

    rule = max(rules, key=hits)
    flattened = getattr(names, "FLATTENED", {})
    found: LayerArrays = {}
    used = set()
    for name, layer in layers.items():
        keys = [f"{rule(name)}.{part}" for part in _TORCH_ORDER]
        keys = [key for key in keys if key in state] or [rule(name)] * (rule(name) in state)
        if keys:
            values = [state[key] for key in keys]
            found[name] = [
                _transposed(value, layer, flattened.get(name)) if value.ndim > 1 else value
                for value in values
            ]
            used.update(keys)
    fold_biases(layers, found)
    rest = {
        key: [value]
        for key, value in state.items()
        if key not in used and not key.endswith("num_batches_tracked")
    }
    return {**found, **rest}


def _transposed(
    value: np.ndarray, layer: keras.layers.Layer, flattened: tuple[int, int, int] | None
) -> np.ndarray:
    if isinstance(
        layer, keras.layers.DepthwiseConv2D
    ):  # (channels, 1, h, w) -> (h, w, channels, 1)
        return value.transpose(2, 3, 0, 1)
    if value.ndim == 4 and isinstance(layer, keras.layers.Dense):
        # There a convolution whose window is the whole map.
        return value.transpose(2, 3, 1, 0).reshape(-1, len(value))
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    if flattened is not None:
        height, width, channels = flattened
        if value.shape[1] == math.prod(flattened):
            value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
            value = value.reshape(len(value), -1)
    if isinstance(layer, keras.layers.Dense):
        return value.T
    return value.reshape(next(variable.shape for variable in layer.weights))


def fold_biases(layers: Mapping[str, keras.layers.Layer], arrays: LayerArrays) -> None:
    """Moves the bias of each convolution that has none with us into the normalisation after it.

    BN(x + b) = BN(x) with the moving mean lowered by b. The pair is found by name: `NAME_conv` or
    `NAME_dwconv` and `NAME_norm`.
    """
    for name, layer in layers.items():
        if len(arrays.get(name, ())) != len(layer.weights) + 1:
            continue
        norm = f"{name.removesuffix('_conv').removesuffix('_dwconv')}_norm"
        if norm not in arrays or not isinstance(layers.get(norm), keras.layers.BatchNormalization):
            continue
        *kept, bias = arrays[name]
        *first, mean, variance = arrays[norm]
        arrays[name], arrays[norm] = kept, [*first, mean - bias, variance]
