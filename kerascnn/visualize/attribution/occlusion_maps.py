"""Occlusion: by how much the score falls when a part of the image is covered.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901,
section 4.2 and figure 7.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.scores import (
    Classes,
    batches,
    choose,
    class_scores,
    float_images,
    repeated,
)
from kerascnn.visualize.inside.taps import giving_logits

Tensor = Any


@keras_words()
def occlusion(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    patch: int | None = None,
    stride: int | None = None,
    fill: float | np.ndarray | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Fall of a class's score under a square that slides over the image.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        patch: Side of the square in pixels; None takes a sixth of the image's shorter side.
        stride: From one place to the next; None takes half a patch. The last place in each
            direction is at the border.
        fill: What covers: a number, or one per channel; None takes each image's mean colour.
        batch_size: Covered images at a time.

    Returns:
        float32 `[B, H, W]`: the mean fall over the squares that cover a pixel; negative where the
        score rises.

    Raises:
        InputError: Images, classes, patch, stride or fill that do not fit.
    """
    images = float_images(model, images)
    height, width = images.shape[1:3]
    side = max(1, min(height, width) // 6) if patch is None else patch
    step = max(1, side // 2) if stride is None else stride
    if not 1 <= step <= side <= min(height, width):
        raise InputError(
            f"expected a patch of 1 to {min(height, width)} pixels and a stride of 1 to the patch, "
            f"so that every pixel is covered. Received: patch={side}, stride={step}."
        )
    covers = _covers(images, fill)
    places = [(y, x) for y in _starts(height, side, step) for x in _starts(width, side, step)]

    def compute(pixels: Tensor, chosen: Tensor) -> Tensor:
        return ops.sum(class_scores(model, pixels) * chosen, axis=-1)

    wanted = choose(model, images, classes, batch_size, against)
    run = repeated(model, compute, len(images) * len(places), batch_size)
    scores = np.zeros((len(images), len(places)), np.float32)
    whole = np.zeros(len(images), np.float32)
    with giving_logits(model):
        for rows, _ in batches(len(images), 1, batch_size):
            whole[rows] = run(images[rows], wanted[rows])
        for rows, numbers in batches(len(images), len(places), batch_size):
            covered = images[rows]
            for image, row, number in zip(covered, rows, numbers, strict=True):
                y, x = places[number]
                image[y : y + side, x : x + side] = covers[row]
            scores[rows, numbers] = run(covered, wanted[rows])
    falls = whole[:, None] - scores
    total, count = np.zeros(images.shape[:3], np.float32), np.zeros((height, width), np.float32)
    for number, (y, x) in enumerate(places):
        total[:, y : y + side, x : x + side] += falls[:, number, None, None]
        count[y : y + side, x : x + side] += 1
    return total / count


def _starts(length: int, side: int, step: int) -> list[int]:
    starts = list(range(0, length - side + 1, step))
    return starts if starts[-1] == length - side else [*starts, length - side]


def _covers(images: np.ndarray, fill: float | np.ndarray | None) -> np.ndarray:
    """The colour for each image, `[B, C]`."""
    shape = (len(images), images.shape[-1])
    if fill is None:
        return images.mean(axis=(1, 2))
    colors = numbers(fill, "`fill`").astype(np.float32)
    if colors.shape not in ((), (images.shape[-1],)):
        raise InputError(
            f"`fill` must be a number or one per channel. Received the shape {colors.shape}."
        )
    return np.broadcast_to(colors, shape)
