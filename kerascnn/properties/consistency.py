"""Does a classifier say the same of an image a few pixels away?

Zhang, Making Convolutional Networks Shift-Invariant Again, ICML 2019, arXiv:1904.11486,
section 4.2.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import keras
import numpy as np

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.images import as_images
from kerascnn.inputs.model_inputs import check_model
from kerascnn.properties.outputs import outputs_of

Border = Literal["crop", "wrap"]


@dataclass(frozen=True)
class ShiftConsistency:
    """How often a classifier gives two shifts of one image the same class.

    Attributes:
        rate: Over all images and pairs, 0..1.
        per_image: float64 `[B]`, 0..1.
        pairs: Pairs of shifts per image.
        max_shift: Largest difference of two shifts, in pixels, along each axis.
    """

    rate: float
    per_image: np.ndarray
    pairs: int
    max_shift: int


def shift_consistency(
    model: keras.Model,
    images: np.ndarray,
    max_shift: int,
    pairs: int = 5,
    border: Border = "crop",
    seed: int = 0,
    batch_size: int = 32,
) -> ShiftConsistency:
    """Measures the share of random pairs of shifts that a classifier answers alike.

    Both shifts of a pair are drawn by themselves, and may be equal.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, in the range the model takes. With "crop" they must be `max_shift`
            pixels higher and wider than the model's input.
        max_shift: Shifts are whole numbers of pixels from 0 to this, down and to the right.
        pairs: Pairs of shifts per image.
        border: "crop" cuts windows from larger images, so that nothing is made up; "wrap" rolls
            images of the model's size.
        seed: Of the shifts.
        batch_size: Images at a time.

    Raises:
        InputError: Images too small for the shifts, a value out of range, or no classifier.
    """
    check_model(model)
    images = as_images(images)
    _check(images, max_shift, pairs, border)
    generator = np.random.default_rng(checked_seed(seed))
    same = np.zeros((pairs, len(images)))
    for pair in range(pairs):
        classes = []
        for _ in range(2):
            shifts = generator.integers(0, max_shift, (len(images), 2), endpoint=True)
            moved = _shifted(images, shifts, max_shift, border)
            classes.append(_classes(model, moved, batch_size))
        same[pair] = classes[0] == classes[1]
    return ShiftConsistency(float(same.mean()), same.mean(0), pairs, max_shift)


def _shifted(images: np.ndarray, shifts: np.ndarray, max_shift: int, border: Border) -> np.ndarray:
    if border == "wrap":
        moved = [
            np.roll(image, tuple(shift), axis=(0, 1))
            for image, shift in zip(images, shifts, strict=True)
        ]
        return np.stack(moved)
    height, width = (side - max_shift for side in images.shape[1:3])
    corners = max_shift - shifts  # a window further up shows the image further down
    return np.stack(
        [
            image[top : top + height, left : left + width]
            for image, (top, left) in zip(images, corners, strict=True)
        ]
    )


def _classes(model: keras.Model, images: np.ndarray, batch_size: int) -> np.ndarray:
    scores = outputs_of(model, images, batch_size=batch_size)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise InputError(
            f"expected a classifier with the output [B, classes]. Its shape: {scores.shape}."
        )
    return scores.argmax(-1)


def _check(images: np.ndarray, max_shift: int, pairs: int, border: str) -> None:
    if border not in get_args(Border):
        raise InputError(f"`border` must be one of crop, wrap. Received: {border!r}.")
    if max_shift < 1 or pairs < 1:
        raise InputError(
            f"`max_shift` and `pairs` must be at least 1. Received: {max_shift}, {pairs}."
        )
    if min(images.shape[1:3]) <= max_shift:
        raise InputError(
            "expected images [B, H, W, C] larger than `max_shift`. Received the shape "
            f"{images.shape} and {max_shift}."
        )
