"""Images of any kind brought to an array, and checked before NumPy fails on them."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerascnn.errors import BatchError, InputError
from kerascnn.inputs.arrays import (
    as_array,
    first_not_finite,
    is_dataset,
    is_endless,
    makes_batches,
    one_pass,
    received,
    shape_text,
)

# Batches of a data set are put together up to so many bytes.
MOST_BYTES = 2**30


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
    array = stacked(images, name)
    if not array.size:
        raise BatchError(
            f"there is no image: expected {name} [B, H, W, C], at least one. Received the shape "
            f"{array.shape}."
        )
    if array.ndim != 4:
        hint = {
            3: " A single image gets its batch axis by image[None], grey ones their channel by "
            "images[..., None].",
            2: " A grey image gets its missing axes by image[None, ..., None].",
        }.get(array.ndim, "")
        raise InputError(f"expected {name} [B, H, W, C]. Received the shape {array.shape}.{hint}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"expected {name} of numbers. Received the type {array.dtype}.")
    place = first_not_finite(array)
    if place is not None:
        raise InputError(
            f"the {name} hold values that are no finite numbers (NaN or infinity), first in image "
            f"{place[0]} (from 0), at row {place[1]}, column {place[2]}, channel {place[3]}."
        )
    return array


def stacked(images: Any, name: str = "images") -> np.ndarray:
    """Whatever holds images of one size, as an array that is not looked at.

    Raises:
        InputError: A path, images of several sizes, or too many of a data set.
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
    return as_array(images, name)


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
        _refuse_endless(images, "images")
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


def _is_batches(value: Any) -> bool:
    """Whether it gives batches, rather than being an image or images."""
    if is_dataset(value) or hasattr(value, "on_epoch_end"):  # a PyDataset
        return True
    if isinstance(value, list | tuple):
        first = value[0] if len(value) else None
        if isinstance(first, list | tuple) and len(first):  # (images, labels), or rows of numbers
            return len(getattr(first[0], "shape", ())) in (3, 4)
        return isinstance(first, dict) or len(getattr(first, "shape", ())) == 4
    if isinstance(value, dict) or hasattr(value, "__array__"):
        return False
    iterable = hasattr(value, "__iter__") or hasattr(value, "__next__") or makes_batches(value)
    return iterable and not hasattr(value, "__array_interface__")


def _refuse_endless(images: Any, name: str) -> None:
    if is_endless(images):
        raise InputError(
            f"the data set of {name} has no end: it is repeated. Leave .repeat() out, or take a "
            "part, data.take(n)."
        )


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
    _refuse_endless(images, name)
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
