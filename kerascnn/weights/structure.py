"""Whether a model computes what the network of a weight file computed, beside the weights."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.weights import record
from kerascnn.weights.file_facts import Pixels, is_ours
from kerascnn.weights.readers import SavedLayers

# Kinds of layers without weights that decide what a network computes.
_KINDS = {
    *("activation", "add", "average_pooling2d", "concatenate", "constant_padding2d", "maximum"),
    *("local_response_normalization", "lp_pooling2d", "max_pooling2d", "maxout", "multiply"),
    *("re_lu", "scaled_tanh", "subtract", "trainable_subsampling2d", "zero_padding2d"),
}
# Settings of layers that do not: names, training, and what the shapes of weights tell.
_IDLE = re.compile(
    r"name|dtype|trainable|.*_(initializer|regularizer|constraint)|momentum|rate|seed|noise_shape"
    r"|batch_(input_)?shape|axis|data_format|renorm.*|synchronized|units|filters|supports_masking"
)
# What `output_stride` chooses, an option that may differ from the file's.
_STEPS = {"strides", "dilation_rate", "padding"}
# The top, which may be another one, and what takes part in training alone.
_TOP = re.compile(r"predictions|avg_pool|max_pool|adaptive_pool|flatten|.*drop(out)?|options__.*")


def check(model: keras.Model, saved: SavedLayers, family: str | None, origin: str) -> None:
    """Raises InputError where the file's network has other layers than `model`, or other settings.

    Nothing is checked of files that do not list their layers, of other libraries' networks, or of
    quantisation-aware models, whose layers are others. Without a family, the
    record of the options alone is compared.

    Args:
        model: The model that the weights are for.
        saved: What was read.
        family: Of the catalogue, or None.
        origin: Of the file, for messages.
    """
    if not saved.layers or "fake_quantize" in saved.layers.values() or not is_ours(saved, family):
        return
    layers = {layer.name: layer for layer in leaves(model)}
    ours, theirs = record.options_in(layers), record.options_in(saved.layers)
    recorded = not saved.config or any(map(record.is_record, saved.layers))
    for option in (ours.keys() | theirs.keys()) - record.FREE:
        if recorded and ours.get(option) != theirs.get(option):
            raise InputError(
                f"{origin} holds weights of a network with {_said(option, theirs)}, the model was "
                f"built with {_said(option, ours)}. Nothing was loaded. Build it with the same."
            )
    if family is None:
        return
    steps = not record.same(ours.get("output_stride"), theirs.get("output_stride"))
    _check_names(layers, saved, origin, steps)
    for name, settings in _configured(saved.config):
        if name in layers and not _TOP.fullmatch(name):
            _check_settings(layers[name], settings, origin, steps)


def check_pixels(model: keras.Model, pixels: Pixels | None, origin: str) -> None:
    """Raises InputError where weights want other pixels than the model's preprocessing gives.

    Args:
        model: The model that the weights are for; one without preprocessing takes any.
        pixels: Scale and offset, three each; None where they are those of the family.
        origin: Of the weights, for messages.
    """
    own = next((layer for layer in leaves(model) if layer.name == "preprocessing"), None)
    if pixels is None or own is None:
        return
    if not all(
        np.allclose(np.broadcast_to(ours, 3), theirs, rtol=1e-3, atol=1e-4)
        for ours, theirs in zip((own.scale, own.offset), pixels, strict=True)
    ):
        scale, offset = ([f"{value:.4g}" for value in values] for values in pixels)
        raise InputError(
            f"{origin}: the weights are of a network that saw pixels times {', '.join(scale)} plus "
            f"{', '.join(offset)}, which the model's preprocessing does not give. Nothing was "
            "loaded. Give the file to the factory (weights=FILE), which builds the network of it, "
            "or build the model with include_preprocessing=False and do the same before it."
        )


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of a model and of the models in it, without these models."""
    flat = model._flatten_layers(include_self=False, recursive=True)
    return [layer for layer in flat if not hasattr(layer, "layers")]


def _check_names(
    layers: Mapping[str, keras.layers.Layer], saved: SavedLayers, origin: str, steps: bool
) -> None:
    """Compares the layers without weights: a network may have branches that another has not."""
    ours = {name for name, layer in layers.items() if _decides(name, _kind(layer), steps)}
    absent = sorted(name for name in ours if name not in saved.layers)
    parts = {name.rpartition("_")[0] for name, layer in layers.items() if layer.weights}
    roots = {name.split("_")[0] for name in parts}
    more = sorted(
        name
        for name, kind in saved.layers.items()
        if name not in layers and name.split("_")[0] in roots and _decides(name, kind, steps)
    )
    if absent or more:
        raise InputError(
            f"{origin} holds weights of another network: it has not the layers "
            f"{absent[:3] or 'none'}, and has {more[:3] or 'none'} beside those of the model. "
            "Nothing was loaded. Expected the same architecture and options."
        )


def _decides(name: str, kind: str, steps: bool) -> bool:
    if kind == "zero_padding2d" and steps:
        return False
    return kind in _KINDS and not _TOP.fullmatch(name)


def _kind(layer: keras.layers.Layer) -> str:
    """As Keras writes classes in files: `ZeroPadding2D` is `zero_padding2d`."""
    name = re.sub(r"\W+", "", type(layer).__name__)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _configured(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Names and settings of the layers in a configuration."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        settings = layer.get("config") if isinstance(layer, dict) else None
        if isinstance(settings, dict):
            yield str(settings.get("name", "")), settings
            yield from _configured(layer)


def _check_settings(
    layer: keras.layers.Layer, settings: Mapping[str, Any], origin: str, steps: bool
) -> None:
    own = keras.saving.serialize_keras_object(layer)["config"]
    for key in own.keys() & settings.keys():
        if _IDLE.fullmatch(key) or (steps and key in _STEPS):
            continue
        if not _equal(own[key], settings[key]):
            raise InputError(
                f"{origin} holds weights of another network: its layer {layer.name!r} has "
                f"{key}={str(settings[key])[:60]}, that of the model {str(own[key])[:60]}. Nothing "
                "was loaded. Expected the same options, such as style or norm."
            )


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return math.isclose(first, second, rel_tol=1e-5)
    if isinstance(first, dict) and isinstance(second, dict):  # functions, by their names
        return bool(first.get("config") == second.get("config"))
    return bool(first == second)


def _said(option: str, options: Mapping[str, Any]) -> str:
    return f"{option}={options[option]!r}" if option in options else f"the default {option}"
