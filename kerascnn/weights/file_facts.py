"""What a weight file says of the network that it was saved from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerascnn.weights import record
from kerascnn.weights.adapt import names_of
from kerascnn.weights.readers import LayerArrays, SavedLayers, StateDict

RGB = tuple[float, float, float]
Pixels = tuple[RGB, RGB]
"""Scale and offset of each channel, from raw pixels to what the network was trained on."""
# Layers that every network of ours has one of, and no other library's.
_OURS = re.compile(rf"stage\d.*|{record.PREFIX}.*")


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        ours: It is a file of Keras, from a network of ours, and lists all layers.
        complete: Options that it does not record have their defaults.
        options: Options that the file records.
        pixels: Scale and offset of the pixels, three each, where they are not those of the family.
        prepares_pixels: Of ours: the network takes raw pixels.
        classes: Outputs, where that can be told.
    """

    ours: bool = False
    complete: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    pixels: Pixels | None = None
    prepares_pixels: bool = True
    classes: int | None = None


def facts(arrays: LayerArrays | StateDict, family: str | None) -> Facts:
    """What a file, as `read` returned it, says of its network."""
    if not isinstance(arrays, SavedLayers) or not arrays.layers:
        return Facts()
    heads = [arrays[name] for name in ("predictions", "head_conv") if name in arrays]
    classes = heads[0][-1].shape[-1] if heads and heads[0][-1].ndim else None
    if is_ours(arrays, family):
        options = record.options_in(arrays.layers)
        pixels = options.pop(record.PIXELS, None)
        return Facts(
            ours=True,
            # Without a record, a configuration tells more: the layers are compared with it.
            complete=not arrays.config or any(map(record.is_record, arrays.layers)),
            options=options,
            pixels=None if pixels is None else (pixels[:3], pixels[3:]),
            prepares_pixels="preprocessing" in arrays.layers,
            classes=classes,
        )
    options = {"style": "keras"}
    last, activation = _last_layer(arrays.config)
    if activation is not None:
        options["classifier_activation"] = activation
        classes = classes or _width(arrays.get(last, ()))
    return Facts(options=options, pixels=pixels_of(arrays, family), classes=classes)


def pixels_of(arrays: LayerArrays, family: str | None) -> Pixels | None:
    """How weights of keras.applications want pixels, where that is not the family's way."""
    find = getattr(names_of(family), "keras_pixels", None)
    if find is None:
        return None
    return find(arrays if isinstance(arrays, SavedLayers) else SavedLayers(arrays))


def is_ours(arrays: SavedLayers, family: str | None) -> bool:
    """Whether layers are called as in our networks, and not as in keras.applications'."""
    names = names_of(family)
    if not hasattr(names, "keras_name") and not hasattr(names, "keras_names"):
        return True
    return any(_OURS.fullmatch(name) for name in arrays.layers)


def _last_layer(config: Mapping[str, Any]) -> tuple[str, str | None]:
    """Name and activation of the last layer of a model; no activation where it is no head."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    last = layers[-1] if isinstance(layers, list) and layers else None
    if not isinstance(last, dict) or last.get("class_name") not in ("Dense", "Activation"):
        return "", None
    settings: Mapping[str, Any] = last.get("config") or {}
    name, activation = settings.get("name", ""), settings.get("activation")
    if isinstance(activation, dict):
        activation = activation.get("config")
    if not isinstance(activation, str) or "relu" in activation or "swish" in activation:
        return str(name), None  # of feature maps
    return str(name), activation


def _width(arrays: Any) -> int | None:
    return arrays[-1].shape[-1] if len(arrays) and arrays[-1].ndim else None
