"""Grad-CAM: where a network looked when it chose a class.

Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, Grad-CAM: Visual Explanations from Deep Networks
via Gradient-based Localization, ICCV 2017, arXiv:1610.02391, section 3.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.visualize.gradient import gradient
from kerascnn.visualize.taps import find_layer, layers_of, tapped, without_softmax

# Layers that only move or sum up what others found, Keras's own and those of others.
PASSIVE = ("Pooling2D", "Padding2D")


def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Sequence[int] | np.ndarray | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Heat maps of what spoke for a class, one per image.

    The maps of a late layer are added up, each weighted by the mean derivative of the class's score
    with respect to it (equation 1); what is negative is cut off (equation 2). The score is the one
    before the softmax. Each heat map is scaled until its largest value is 1; it is 0 everywhere
    where nothing spoke for the class.

    Args:
        model: Any model with one image input and the output `[B, classes]`: functional, Sequential,
            nested or subclassed; the output of a subclassed model is taken for the score.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image; the one the model chooses if None.
        layer: Name of the layer whose maps are used, also inside nested models. None takes the last
            that gives maps larger than 1x1 and is no pooling or padding.

    Returns:
        float32 `[B, H, W]` in 0..1, as large as the images.

    Raises:
        InputError: No such layer, a layer that gives no maps or has no part in the score, or
            classes that do not fit.
    """
    source = _map_layer(model) if layer is None else find_layer(model, layer)
    images = np.asarray(images)
    seen: list[Any] = []

    def look(maps: Any) -> Any:
        seen[:] = [maps]
        return maps

    with tapped(source, look), without_softmax(model):
        scores = ops.convert_to_numpy(model(images, training=False))
    maps = _checked_maps(seen, source, model)
    chosen = _checked_classes(scores.argmax(-1) if classes is None else classes, scores)
    wanted = ops.one_hot(chosen, scores.shape[-1], dtype="float32")

    def score(offset: Any) -> Any:
        # The derivative with respect to something added to a whole map is the sum of those with
        # respect to its pixels.
        with tapped(source, lambda maps: maps + ops.cast(offset, maps.dtype)):
            return ops.sum(ops.cast(model(images, training=False), "float32") * wanted)

    with without_softmax(model):
        slopes = gradient(score, ops.zeros((len(images), 1, 1, maps.shape[-1])))
    if slopes is None:
        raise InputError(f"the output of {model.name!r} does not depend on {source.name!r}.")
    weights = ops.convert_to_numpy(slopes) / (maps.shape[1] * maps.shape[2])
    heat = np.maximum((weights * maps).sum(-1, keepdims=True), 0)
    heat = ops.convert_to_numpy(
        ops.image.resize(heat, images.shape[1:3], data_format="channels_last")
    )
    peak = heat.max(axis=(1, 2, 3), keepdims=True)
    return np.clip(heat / np.where(peak > 0, peak, 1), 0, 1)[..., 0].astype(np.float32)


def _map_layer(model: keras.Model) -> keras.layers.Layer:
    found, learned = None, False
    for layer in layers_of(model):
        shape = getattr(layer.output, "shape", ()) if layer._inbound_nodes else ()
        if len(shape) != 4 or shape[1:3] == (1, 1):
            continue
        learned = learned or bool(layer.weights)  # what comes before is the image itself
        if learned and not type(layer).__name__.endswith(PASSIVE):
            found = layer
    if found is None:
        raise InputError(
            f"Grad-CAM needs a layer that gives feature maps, and found none in {model.name!r}: it "
            "is made of dense layers only, or a subclassed model. Name a layer: layer=NAME."
        )
    return found


def _checked_maps(seen: list[Any], source: keras.layers.Layer, model: keras.Model) -> np.ndarray:
    if not seen:
        raise InputError(f"the layer {source.name!r} was not used by the model {model.name!r}.")
    if len(getattr(seen[0], "shape", ())) != 4:
        raise InputError(
            f"the layer {source.name!r} must give maps [B, height, width, channels]. "
            f"Its output has the shape {getattr(seen[0], 'shape', None)}."
        )
    return ops.convert_to_numpy(ops.cast(seen[0], "float32"))


def _checked_classes(classes: Any, scores: np.ndarray) -> np.ndarray:
    if scores.ndim != 2:
        raise InputError(
            f"expected a model with the output [B, classes]. Its shape: {scores.shape}."
        )
    chosen = np.asarray(classes)
    fits = chosen.shape == (len(scores),) and np.issubdtype(chosen.dtype, np.integer)
    if not fits or chosen.min() < 0 or chosen.max() >= scores.shape[1]:
        raise InputError(
            f"`classes` must hold {len(scores)} whole numbers, one per image, from 0 to "
            f"{scores.shape[1] - 1}. Received: {classes!r}."
        )
    return chosen
