"""Images for a model: brought to an array and checked before Keras, or NumPy, fails on them."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import (
    as_array,
    first_not_finite,
    is_dataset,
    numbers,
    one_pass,
    received,
    shape_text,
    shortened,
)

logger = logging.getLogger("kerascnn.inputs")

# Batches of a data set are put together up to so many bytes.
MOST_BYTES = 2**30
# Layers between the input and a network's scaling of pixels that leave their range as it is.
_KEEP_RANGE = ("Cast", "Flip", "GetItem", "Identity", "Resizing", "ZeroPadding2D")


def as_images(images: Any, name: str = "images") -> np.ndarray:
    """Whatever holds images of one size, as an array of numbers `[n, height, width, channels]`.

    Args:
        images: An array or tensor of any library; a list of images, such as Pillow's; or batches of
            images or of (images, labels): a `tf.data.Dataset`, `keras.utils.PyDataset`, list or
            generator. Labels are left out, and batches held in memory up to 1 GiB.
        name: What an error calls them.

    Raises:
        InputError: Another rank, no images, something that is no finite number, or too many.
    """
    if isinstance(images, str | bytes | os.PathLike):
        raise InputError(
            f"expected {name} [B, H, W, C]. Received: {received(images)}. Load a file first, by "
            "kerascnn.data.load_image(path, size, channels)[None], a folder by kerascnn.data.load."
        )
    if isinstance(images, tuple) and len(images) in (2, 3):  # (images, labels), as a batch is
        ranks = [len(getattr(each, "shape", ())) for each in images]
        images = images[0] if ranks[0] == 4 and max(ranks[1:]) < 4 else images
    if _is_batches(images):
        images = _collected(images, name)
    elif isinstance(images, list | tuple) and len({np.shape(each) for each in images}) > 1:
        raise InputError(f"the {name} have several sizes: give all of them one size.")
    array = as_array(images, name)
    if array.ndim != 4 or not len(array):
        hint = {
            3: " A single image gets its batch axis by image[None], grey ones their channel by "
            "images[..., None].",
            2: " A grey image gets its missing axes by image[None, ..., None].",
        }.get(array.ndim, "")
        raise InputError(
            f"expected {name} [B, H, W, C], at least one. Received the shape {array.shape}.{hint}"
        )
    if array.dtype.kind not in "biuf":
        raise InputError(f"expected {name} of numbers. Received the type {array.dtype}.")
    place = first_not_finite(array)
    if place is not None:
        raise InputError(
            f"the {name} hold values that are no finite numbers (NaN or infinity), first in image "
            f"{place[0]} (from 0), at row {place[1]}, column {place[2]}, channel {place[3]}."
        )
    return array


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


def image_batches(images: Any, batch_size: int) -> Iterator[np.ndarray]:
    """Images batch by batch, for what needs no more than a batch in memory.

    Args:
        images: As `as_images` takes them, of any number.
        batch_size: Of arrays.

    Raises:
        InputError: What `as_images` raises, when the batch is reached.
    """
    check_batch_size(batch_size)
    if _is_batches(images):
        for number, batch in enumerate(one_pass(images)):
            yield as_images(_images_of(batch), f"images in batch {number}")
        return
    array = as_images(images)
    for rows in slices(len(array), batch_size):
        yield array[rows]


def slices(count: int, size: int) -> Iterator[slice]:
    """Rows of one batch after the other.

    Raises:
        InputError: A size below 1.
    """
    check_batch_size(size)
    for start in range(0, count, size):
        yield slice(start, start + size)


def check_batch_size(size: Any) -> None:
    """An InputError where no batch has that size."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError(
            f"`batch_size` must be at least 1. Received: {size!r}."
            if isinstance(size, int | float)
            else f"`batch_size` must be a whole number of at least 1. Received: {received(size)}."
        )


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
    for operation in getattr(graph, "operations", ()):
        if isinstance(operation, keras.Model):
            yield from _first_layers(operation)
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _is_batches(value: Any) -> bool:
    """Whether it gives batches, rather than being an image or images."""
    if is_dataset(value) or isinstance(value, keras.utils.PyDataset):
        return True
    if isinstance(value, list | tuple):
        first = value[0] if len(value) else None
        if isinstance(first, list | tuple) and len(first):  # (images, labels), or rows of numbers
            return len(getattr(first[0], "shape", ())) in (3, 4)
        return isinstance(first, dict) or len(getattr(first, "shape", ())) == 4
    if isinstance(value, dict) or hasattr(value, "__array__"):
        return False
    iterable = hasattr(value, "__iter__") or hasattr(value, "__next__") or callable(value)
    return iterable and not hasattr(value, "__array_interface__")


def _images_of(batch: Any) -> Any:
    if isinstance(batch, dict):
        for key in ("image", "images", "pixel_values"):
            if key in batch:
                return batch[key]
        raise InputError(
            f"expected batches of images or of (images, labels). Received: {received(batch)}."
        )
    return batch[0] if isinstance(batch, tuple | list) and len(batch) else batch


def _collected(images: Any, name: str) -> np.ndarray:
    """All images of batches, as far as memory should hold them."""
    found: list[np.ndarray] = []
    size = 0
    for number, batch in enumerate(one_pass(images)):
        array = as_array(_images_of(batch), f"batch {number} of the {name}")
        if array.ndim == 3:  # a data set that is not batched
            array = array[None]
        if found and array.shape[1:] != found[0].shape[1:]:
            raise InputError(
                f"the {name} have several sizes: {shape_text(found[0].shape[1:])} and, in batch "
                f"{number}, {shape_text(array.shape[1:])}. Give all of them one size."
            )
        found.append(array)
        size += array.nbytes
        if size > MOST_BYTES:
            raise InputError(
                f"the {name} are more than {MOST_BYTES / 2**30:g} GiB, after {number + 1} batches. "
                "Pass fewer: data.take(n) of a tf.data.Dataset, or an array."
            )
    return np.concatenate(found) if found else np.zeros((0, 0, 0, 0), np.float32)


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
