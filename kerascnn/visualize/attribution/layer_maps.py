"""The maps of a layer and the slopes of a score with respect to them: what CAMs are made of."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.visualize.attribution.scores import (
    Classes,
    checked_classes,
    class_scores,
    float_images,
    signed,
)
from kerascnn.visualize.inside.gradient import gradient_inside
from kerascnn.visualize.inside.taps import find_layer, giving_logits, layers_of, tapped

Tensor = Any
# Layers that only move or sum up what others found, Keras's own and those of others.
PASSIVE = ("Pooling2D", "Padding2D")


def heat_maps(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes,
    layer: str | None,
    batch_size: int,
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray],
    against: bool = False,
) -> np.ndarray:
    """Heat maps in 0..1, `[B, H, W]`, of what `combine` makes of maps and slopes.

    Args:
        combine: From the maps and the slopes of one batch, float32 `[b, h, w, C]` both, to
            `[b, h, w]`.
        against: Whether the slopes are those of the negative score.
    """
    images = float_images(model, images)
    source = map_layer(model, images) if layer is None else find_layer(model, layer)
    parts = [
        scaled(combine(maps, slopes), images.shape[1:3])
        for maps, slopes in _maps_and_slopes(model, source, images, classes, batch_size, against)
    ]
    return np.concatenate(parts)


def _maps_and_slopes(
    model: keras.Model,
    source: Any,
    images: np.ndarray,
    classes: Classes,
    batch_size: int,
    against: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """One pass forward and a short one back for each batch."""
    given: list[Tensor] = []  # checked outside the layer: Keras adds its own words to errors
    for rows in slices(len(images), batch_size):

        def compute(mark: Callable[[Tensor], Tensor], rows: slice = rows) -> tuple[Tensor, Tensor]:
            def look(output: Tensor) -> Tensor:
                given[:] = [output]
                return mark(output) if _are_maps(output) else output

            with tapped(source, look):
                scores = class_scores(model, images[rows])
            if classes is None:
                chosen = ops.argmax(scores, axis=-1)
            else:
                chosen = checked_classes(classes, len(images), scores.shape[-1])[rows]
            wanted = ops.one_hot(chosen, scores.shape[-1], dtype="float32")
            return ops.sum(scores * wanted) * signed(against), scores

        with giving_logits(model):
            slopes, maps, _ = gradient_inside(compute)
        if maps is None:
            raise _not_maps(source, given[0]) if given else _unused(source, model)
        if slopes is None:
            raise InputError(f"the output of {model.name!r} does not depend on {source.name!r}.")
        yield as_float32(maps), as_float32(slopes)


def scaled(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Heat `[b, h, w]` without what is negative, resized to `size`, its largest value 1."""
    heat = np.maximum(heat, 0)[..., None].astype(np.float32)
    heat = ops.convert_to_numpy(ops.image.resize(heat, size, data_format="channels_last"))
    peak = heat.max(axis=(1, 2, 3), keepdims=True)
    return np.clip(heat / np.where(peak > 0, peak, 1), 0, 1)[..., 0].astype(np.float32)


def seen_by(
    model: keras.Model, source: Any, images: np.ndarray, *, inputs: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Maps that a layer gives, or takes, and scores before the softmax or sigmoid."""
    seen: list[Tensor] = []

    def look(maps: Tensor) -> Tensor:
        seen[:] = [maps]
        return maps

    with giving_logits(model), tapped(source, look, inputs=inputs):
        scores = class_scores(model, images)
    if not seen:
        raise _unused(source, model)
    if not _are_maps(seen[0]):
        raise _not_maps(source, seen[0])
    return as_float32(seen[0]), as_float32(scores)


def as_float32(tensor: Tensor) -> np.ndarray:
    """An array of any float tensor."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))


def map_layer(model: keras.Model, images: np.ndarray) -> keras.layers.Layer:
    """The last layer that gives maps larger than 1x1 and is no pooling or padding."""
    shapes = _symbolic_shapes(model)
    found = _last_with_maps(_shapes(model, images[:1]) if shapes is None else shapes)
    if found is None:
        raise InputError(
            f"A CAM needs a layer that gives feature maps, and found none in {model.name!r}: it "
            "is made of dense layers only. Name a layer (layer=NAME), or use a method of pixels, "
            "such as smooth_grad."
        )
    return found


def _last_with_maps(layers: list[tuple[Any, Any]]) -> Any:
    found, learned = None, False
    for layer, shape in layers:
        if len(shape) != 4 or shape[1:3] == (1, 1):
            continue
        learned = learned or bool(layer.weights)  # what comes before is the image itself
        if learned and not type(layer).__name__.endswith(PASSIVE):
            found = layer
    return found


def _symbolic_shapes(model: keras.Model) -> list[tuple[Any, Any]] | None:
    """Layers with what they give, as the graph knows it; None if some are outside of any graph."""
    found = list(layers_of(model))
    if not getattr(model, "inputs", None):
        return None
    if not all(layer._inbound_nodes for layer in found):
        return None
    return [(layer, getattr(layer.output, "shape", ())) for layer in found]


def _shapes(model: keras.Model, image: np.ndarray) -> list[tuple[Any, Any]]:
    """The same, in the order of computation, of an image that goes through the model."""
    found: list[tuple[Any, Any]] = []

    def watch(layer: Any) -> Callable[[Tensor], Tensor]:
        def look(output: Tensor) -> Tensor:
            found.append((layer, tuple(getattr(output, "shape", ()))))
            return output

        return look

    with contextlib.ExitStack() as taps:
        for layer in model._flatten_layers(include_self=False):
            if not isinstance(layer, keras.Model):
                taps.enter_context(tapped(layer, watch(layer)))
        model(image, training=False)
    return found


def _are_maps(output: Tensor) -> bool:
    return len(getattr(output, "shape", ())) == 4


def _not_maps(source: Any, output: Tensor) -> InputError:
    return InputError(
        f"the layer {source.name!r} must give maps [B, height, width, channels]. "
        f"Its output has the shape {getattr(output, 'shape', None)}."
    )


def _unused(source: Any, model: keras.Model) -> InputError:
    return InputError(f"the layer {source.name!r} was not used by the model {model.name!r}.")
