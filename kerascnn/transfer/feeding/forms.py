"""The forms in which people hand over data to train on: recognised, or refused in one line."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from kerascnn.errors import BatchError
from kerascnn.inputs.arrays import as_array, first_not_finite, makes_batches, received
from kerascnn.transfer.feeding.batches import RowBatches

Place = Callable[[int], str]

EXPECTED = (
    "Expected batches of (images, labels) or (images, labels, sample weights): a tf.data.Dataset, "
    "keras.utils.PyDataset, list, data loader or a function that makes a generator; or a tuple of "
    "arrays (images, labels)."
)


def parts_of(batch: Any, where: str) -> list[Any]:
    """Images, labels and perhaps sample weights of a batch, or of its description.

    Raises:
        BatchError: Something else.
    """
    if isinstance(batch, dict):
        keys = [*batch, "image", "label"][:2]
        raise BatchError(
            f"{where} is {received(batch)}. Expected (images, labels): "
            f"data.map(lambda batch: (batch[{keys[0]!r}], batch[{keys[1]!r}]))."
        )
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise BatchError(
            f"{where} is {received(batch)}. Expected batches of (images, labels) or (images, "
            "labels, sample weights)."
        )
    images, labels, *weights = batch
    if isinstance(images, dict):
        if len(images) != 1:
            raise BatchError(
                f"{where} holds {received(images)} as its images. Expected one array: these are "
                "models with one input."
            )
        (images,) = images.values()
    if labels is None or isinstance(labels, dict):
        raise BatchError(f"{where} holds {received(labels)} as its labels. Expected one array.")
    return [images, labels, *(each for each in weights if each is not None)]


def check_spec(spec: Any, name: str) -> None:
    """A BatchError for a `tf.data.Dataset` whose elements are no batches of images and labels."""
    images, labels, *weights = parts_of(spec, f"each batch of the {name}")
    for each, what in ((images, "images"), (labels, "labels"), *((w, "weights") for w in weights)):
        kind = type(each).__name__
        if kind != "TensorSpec":
            raise BatchError(
                f"the {what} of the {name} are {received(each)}. Expected one tensor of one shape: "
                "resize the images, or use .to_tensor()."
            )
    if images.dtype.name == "string":
        raise BatchError(
            f"the images of the {name} are text, perhaps the names of files. Expected pixels: read "
            "and decode them first, or use kerascnn.data.load."
        )
    if labels.dtype.name == "string":
        raise BatchError(
            f"the labels of the {name} are text. Expected numbers: give each class its number from "
            "0, [class_names.index(name) for name in labels]."
        )
    if labels.shape.rank == 0 or (
        images.shape.rank == 3
        and labels.shape.rank == 1
        and (images.shape[0] is not None and images.shape[0] != labels.shape[0])
    ):
        raise BatchError(
            f"the {name} gives single images {tuple(images.shape)}, each with its label. Expected "
            "batches: data.batch(32)."
        )


def arrays_of(data: Any) -> list[Any] | None:
    """Images, labels and perhaps weights, where a tuple or list of arrays was given."""
    if not isinstance(data, tuple | list) or not len(data):
        return None
    if all(isinstance(each, tuple) and len(each) in (2, 3) for each in data):
        return None  # batches
    of_arrays = len(data) in (2, 3) and all(len(getattr(each, "shape", ())) for each in data)
    return list(data) if isinstance(data, tuple) or of_arrays else None


def rows_of(arrays: list[Any], name: str, batch_size: int, seed: int | None) -> RowBatches:
    """Arrays as batches; a BatchError where they do not go together."""
    if len(arrays) == 3 and arrays[2] is None:
        arrays = arrays[:2]
    words = ("images", "labels", "sample weights")
    found = [as_array(each, f"the {word}") for each, word in zip(arrays, words, strict=False)]
    lengths = {len(each) if each.ndim else 0 for each in found}
    if len(arrays) not in (2, 3) or len(lengths) != 1 or not max(lengths):
        raise BatchError(
            "a tuple of data must hold two arrays of equal length, images and labels, or three, "
            "with sample weights: as many of each, and one at least. Received: "
            f"{', '.join(received(each) for each in arrays)}."
        )
    for weights in found[2:]:
        check_weights(weights, len(found[0]), f"the {name}")
        found[2] = weights.reshape(len(weights)).astype(np.float32)
    return RowBatches([found[0]], found[1], batch_size, seed, *found[2:])


def check_finite(images: np.ndarray, place: Place) -> None:
    """A BatchError for images that hold NaN or infinity, or no numbers."""
    if images.dtype.kind not in "biuf":
        raise BatchError(f"the images are no numbers: {received(images)} in {place(0)}.")
    if images.dtype.kind != "f":
        return
    for start in range(0, len(images), 1024):  # a memory map is never read as a whole
        found = first_not_finite(images[start : start + 1024])
        if found is not None:
            raise BatchError(not_finite(place(start + found[0])))


def not_finite(place: str) -> str:
    """What is said of an image that holds NaN or infinity."""
    return (
        f"an image holds NaN or infinity: {place}. Expected finite pixels. Leave the image out, or "
        "look for a division by 0 in what prepares it."
    )


def check_weights(weights: np.ndarray, count: int, where: str) -> None:
    """A BatchError for sample weights that are no `count` numbers of 0 or more."""
    fits = weights.dtype.kind in "biuf" and weights.size == count and len(weights) == count
    if not fits or not np.isfinite(weights).all() or (weights < 0).any():
        raise BatchError(
            f"the sample weights of {where} must be {count} finite numbers of 0 or more, one for "
            f"each image. Received: {received(weights)}."
        )


def refuse(data: Any, name: str) -> None:
    """A BatchError for what people hand over that holds no batches."""
    what = None
    if data is None:
        what = f"there is no {name}"
    elif isinstance(data, str | bytes | os.PathLike):
        what = f"the {name} is a path: load it by kerascnn.data.load(path).train"
    elif hasattr(data, "train") and hasattr(data, "validation"):
        what = f"the {name} is {received(data)}, with several splits: pass data.train"
    elif isinstance(data, dict):
        what = f"the {name} is {received(data)}"
    elif len(getattr(data, "shape", ())) > 1:
        what = (
            f"the {name} is an array without labels, {received(data)}: pass a tuple, "
            "(images, labels)"
        )
    elif not (
        hasattr(data, "__iter__")
        or hasattr(data, "__next__")
        or hasattr(data, "__getitem__")
        or makes_batches(data)
    ):
        what = f"the {name} is {received(data)}"
    if what is not None:
        raise BatchError(f"{what}. {EXPECTED}")
