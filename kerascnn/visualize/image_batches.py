"""Batches of images for a model: checked before it, or NumPy, fails on them."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError


def checked_images(model: keras.Model, images: Any) -> np.ndarray:
    """Images as an array `[B, H, W, C]` of numbers that the model can take.

    The size is compared with that of the model's input, where the model knows it.

    Raises:
        InputError: Another rank, no images, something that is no finite number, another size or
            number of channels, or a model that does not take one batch of images.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"expected a keras.Model. Received: {type(model).__name__}.")
    try:
        images = np.asarray(images)
    except ValueError:  # lists of several lengths
        raise InputError("the images have several sizes: give all of them one size.") from None
    if images.ndim != 4 or not len(images):
        raise InputError(
            f"expected images [B, H, W, C], at least one. Received the shape {images.shape}."
        )
    if images.dtype.kind not in "biuf":
        raise InputError(f"expected images of numbers. Received the type {images.dtype}.")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InputError("the images hold values that are no finite numbers (NaN or infinity).")
    _check_shape(model, images.shape)
    return images


def slices(count: int, size: int) -> Iterator[slice]:
    """Rows of one batch after the other.

    Raises:
        InputError: A size below 1.
    """
    check_batch_size(size)
    for start in range(0, count, size):
        yield slice(start, start + size)


def check_batch_size(size: int) -> None:
    """An InputError where no batch has that size."""
    if size < 1:
        raise InputError(f"`batch_size` must be at least 1. Received: {size}.")


def _check_shape(model: keras.Model, shape: tuple[int, ...]) -> None:
    inputs: Any = getattr(model, "inputs", None)
    if not inputs:  # a subclassed model does not say what it takes
        return
    expected = tuple(inputs[0].shape)[1:]
    if len(inputs) != 1 or len(expected) != 3:
        raise InputError(
            f"expected a model with one input of images [B, H, W, C]. {model.name!r} takes: "
            f"{', '.join(str(tuple(each.shape)) for each in inputs)}."
        )
    if any(own not in (None, given) for own, given in zip(expected, shape[1:], strict=True)):
        raise InputError(
            f"{model.name!r} takes images {_sides(expected)}. Received: {_sides(shape[1:])}. "
            "Resize them, or convert their channels."
        )


def _sides(shape: tuple[Any, ...]) -> str:
    return "x".join("any" if side is None else str(side) for side in shape)
