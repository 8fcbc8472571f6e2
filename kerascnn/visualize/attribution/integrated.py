"""Integrated gradients: attributions that add up to the score.

Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, ICML 2017, arXiv:1703.01365,
sections 3 and 5.
"""

from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.scores import (
    Classes,
    choose,
    float_images,
    scores_of,
    summed_slopes,
)


@dataclass(frozen=True)
class IntegratedGradients:
    """What each pixel adds to the score of a class, from a baseline on.

    Attributes:
        attributions: float32 `[B, H, W, C]`: shares of the score, positive and negative.
        gains: float32 `[B]`: the image's score less the baseline's. The attributions add up to it.
        errors: float32 `[B]`: by how much their sum misses it, relative to it. More steps make it
            smaller.
    """

    attributions: np.ndarray
    gains: np.ndarray
    errors: np.ndarray


@keras_words()
def integrated_gradients(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    baseline: float | np.ndarray = 0.0,
    steps: int = 50,
    rule: Literal["gauss-legendre", "trapezoid"] = "gauss-legendre",
    batch_size: int = 32,
) -> IntegratedGradients:
    """Slopes averaged along the straight way from a baseline to each image, times that way.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        baseline: What an image without content is: one value (0 is black for models that take raw
            pixels), or an array that fits `[B, H, W, C]`. It gets no attribution, so black says
            nothing about black pixels.
        steps: Points on the way at which slopes are taken; the paper needs 20 to 300.
        rule: How these points are placed and weighted.
        batch_size: Points at a time.

    Raises:
        InputError: Images, classes, baseline, steps or rule that do not fit, or a model without
            derivatives.
    """
    images = float_images(model, images)
    ends = checked_baseline(baseline, images.shape)
    points, weights = _nodes(rule, steps)
    way = images - ends

    def vary(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return ends[rows] + points[numbers].reshape(-1, 1, 1, 1).astype(np.float32) * way[rows]

    wanted = choose(model, images, classes, batch_size, against)
    attributions = way * summed_slopes(model, images.shape, wanted, vary, weights, batch_size)
    there, here = (scores_of(model, each, batch_size) for each in (images, ends))
    gains = ((there - here) * wanted).sum(axis=1)
    missed = np.abs(attributions.sum(axis=(1, 2, 3), dtype=np.float64) - gains)
    errors = missed / np.maximum(np.abs(gains), np.finfo(np.float32).tiny)
    return IntegratedGradients(attributions, gains, errors.astype(np.float32))


def checked_baseline(baseline: float | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The baseline as float32 of that shape, or an InputError."""
    given = numbers(baseline, "`baseline`").astype(np.float32)
    try:
        return np.broadcast_to(given, shape)
    except ValueError:
        raise InputError(
            f"`baseline` must be a number or fit images of {shape}. Received the shape "
            f"{given.shape}."
        ) from None


def _nodes(rule: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in 0..1 and their weights, which sum to 1."""
    if rule == "gauss-legendre" and steps >= 1:
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        return (nodes + 1) / 2, weights / 2
    if rule == "trapezoid" and steps >= 2:
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    raise InputError(
        "expected rule='gauss-legendre' with at least 1 step, or 'trapezoid' with at least 2. "
        f"Received: rule={rule!r}, steps={steps}."
    )
