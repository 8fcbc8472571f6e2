"""Images for a model: checked before Keras fails on them."""

import logging
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import as_array, numbers, received, shortened
from kerascnn.inputs.images import as_images

logger = logging.getLogger("kerascnn.inputs")

# Layers between the input and a network's scaling of pixels that leave their range as it is.
_KEEP_RANGE = ("Cast", "Flip", "GetItem", "Identity", "Resizing", "ZeroPadding2D")


def checked_images(model: keras.Model, images: Any) -> np.ndarray:
    """Images as an array `[B, H, W, C]` of numbers that the model can take.

    The size is compared with that of the model's input. A model without a graph of layers, which
    does not know it, is tried on the first image.

    Args:
        model: Any Keras model with one input of images.
        images: As `as_images` takes them.

    Raises:
        InputError: What `as_images` raises; images that the model does not take; a model that does
            not take one batch of images.
    """
    check_model(model)
    array = as_images(images)
    check_size(model, array.shape[1:])
    if not getattr(model, "inputs", None):
        # Nothing brings integers to the type of its weights, as the input of a graph does.
        array = array.astype(np.float32) if array.dtype.kind in "biu" else array
        _try(model, array[:1])
    warn_of_scaled_pixels(model, array)
    return array


def checked_inputs(model: keras.Model, inputs: Any, name: str = "inputs") -> np.ndarray:
    """`checked_images` for models of images; for others, an array of finite numbers that fits.

    Raises:
        InputError: What the model does not take, or nothing at all.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"expected a keras.Model. Received: {type(model).__name__}.")
    taken: Any = getattr(model, "inputs", None)
    if not taken or len(taken) != 1 or len(taken[0].shape) == 4:
        return checked_images(model, inputs)
    array = numbers(inputs, f"the {name}")
    if not array.ndim or not len(array):
        raise InputError(f"expected {name}, at least one. Received: {received(inputs)}.")
    check_size(model, array.shape[1:], name)
    return array


def check_model(model: Any) -> None:
    """An InputError for anything but a Keras model with one input of images."""
    if not isinstance(model, keras.Model):
        raise InputError(f"expected a keras.Model. Received: {type(model).__name__}.")
    inputs: Any = getattr(model, "inputs", None) or ()
    if inputs and (len(inputs) != 1 or len(inputs[0].shape) != 4):
        raise InputError(
            f"expected a model with one input of images [B, H, W, C]. {model.name!r} takes: "
            f"{', '.join(str(tuple(each.shape)) for each in inputs)}."
        )


def check_size(model: keras.Model, shape: tuple[int, ...], name: str = "images") -> None:
    """An InputError where a model is known to take other inputs than of `shape`, without batch."""
    inputs: Any = getattr(model, "inputs", None)
    if not inputs:
        return
    expected = tuple(inputs[0].shape)[1:]
    fits = len(expected) == len(shape) and all(
        own in (None, given) for own, given in zip(expected, shape, strict=True)
    )
    if not fits:
        hint = "Resize them, or convert their channels."
        if len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3):
            hint = "Channels come last: images.transpose(0, 2, 3, 1)."
        raise InputError(
            f"{model.name!r} takes {name} {_sides(expected)}. Received: {_sides(shape)}. {hint}"
        )


def warn_of_scaled_pixels(model: keras.Model, images: np.ndarray) -> None:
    """A warning in the log for images in 0..1 before a network that scales 0..255 itself."""
    if images.ndim != 4 or images.dtype.kind != "f" or not images.size:
        return
    if not (images.min() >= 0 and 0 < images.max() <= 1):
        return
    layer = scaling_layer(model)
    if layer is not None:
        logger.warning(
            "the images are in 0..1, and %r takes pixels in 0..255, which its layer %r scales. It "
            "sees them nearly black: multiply them by 255.",
            *(model.name, layer),
        )


def scaling_layer(model: keras.Model) -> str | None:
    """Name of the layer by which a network scales raw pixels 0..255; None where none is found."""
    for layer in _first_layers(model):
        if isinstance(layer, keras.layers.Rescaling):
            scale, offset = np.abs(layer.scale).max(), np.abs(layer.offset).max()
            return layer.name if 255 * scale < 25 or offset > 10 else None
        if isinstance(layer, keras.layers.Normalization):
            mean = None if layer.mean is None else np.abs(as_array(layer.mean)).max()
            return layer.name if mean is not None and mean > 2 else None
        if type(layer).__name__ not in _KEEP_RANGE:
            return None
    return None


def _first_layers(model: Any) -> Iterator[Any]:
    """Layers and operations from the input on, those of nested models in their place."""
    graph = getattr(model, "_functional", None) or model
    # A Sequential that was not called yet has layers and no operations.
    operations: Any = getattr(graph, "operations", None) or getattr(graph, "layers", ())
    for operation in operations:
        if isinstance(operation, keras.Model):
            yield from _first_layers(operation)
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _try(model: keras.Model, image: np.ndarray) -> None:
    try:
        model(image, training=False)
    except Exception as error:  # whatever the code of somebody's subclass raises on its input
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise InputError(
            f"{model.name!r}, a model without a graph of layers, cannot take images "
            f"{_sides(image.shape[1:])}: {shortened(lines[0] if lines else type(error).__name__)} "
            "Give images of the size and channels that it was made for."
        ) from error


def _sides(shape: tuple[Any, ...]) -> str:
    return "x".join("any" if side is None else str(side) for side in shape)
