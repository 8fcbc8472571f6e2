"""Steps that mix each image with another one of its batch, and their labels with it.

The other image is the one before it in the batch (of the first: the last), so data must be shuffled
before they are batched, as for training they are. Labels become rows of class probabilities.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.random import Random
from kerascnn.augment.step import Part, Size, Step, check_number
from kerascnn.augment.steps.occlusion import covered
from kerascnn.errors import InputError


@dataclass(frozen=True)
class Mixer(Step):
    """Base of the batch mixers. They come last in a pipeline.

    Args:
        classes: Number of classes of the labels.
        alpha: Both parameters of the beta distribution that the share is drawn from.
    """

    classes: int
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.classes, bool) or not isinstance(self.classes, int) or self.classes < 2:
            raise InputError(f"`classes` must be an integer of 2 or more. Received: {self.classes}")
        check_number("alpha", self.alpha, 1e-3, 1e3)

    def shares(self, random: Random, size: Size) -> tuple[Array, Array | None]:
        """The image's own share `[n]` in 0..1, and bool `[n, H, W]`: what the other one covers."""
        raise NotImplementedError


@dataclass(frozen=True)
class MixUp(Mixer):
    """The weighted mean of two images and of their labels (arXiv:1710.09412).

    Args:
        classes: Number of classes of the labels.
        alpha: Both parameters of the beta distribution of the weight.
    """

    alpha: float = 0.2

    def shares(self, random: Random, size: Size) -> tuple[Array, Array | None]:
        return beta(random, self.alpha, self.alpha), None


@dataclass(frozen=True)
class CutMix(Mixer):
    """A rectangle of another image, which gives its part of the label (arXiv:1905.04899).

    Args:
        classes: Number of classes of the labels.
        alpha: Both parameters of the beta distribution of the rectangle's area.
    """

    def shares(self, random: Random, size: Size) -> tuple[Array, Array | None]:
        xp, edges = random.xp, []
        part = xp.sqrt(1.0 - beta(random, self.alpha, self.alpha))
        for side in size:  # as in the paper, the rectangle's centre is anywhere
            length, centre = xp.floor(part * float(side)), random.uniform() * float(side)
            low = xp.clip(xp.floor(centre - length / 2.0), 0.0, float(side))
            high = xp.clip(xp.floor(centre + length / 2.0), 0.0, float(side))
            edges.append((low, high - low))
        rows, columns = (
            covered(xp, low, length, side) for (low, length), side in zip(edges, size, strict=True)
        )
        area = edges[0][1] * edges[1][1] / float(size[0] * size[1])
        return 1.0 - area, rows[:, :, None] & columns[:, None, :]


def beta(random: Random, a: float, b: float) -> Array:
    """float32 `[n]` of a beta distribution, from a table of its quantiles."""
    xp = random.xp
    table = xp.convert_to_tensor(_beta_quantiles(a, b), dtype="float32")
    place = random.uniform() * float(_QUANTILES)
    low = xp.cast(xp.floor(place), "int32")
    rest = place - xp.floor(place)
    return xp.take(table, low, axis=0) * (1.0 - rest) + xp.take(table, low + 1, axis=0) * rest


_QUANTILES = 1024


@functools.cache
def _beta_quantiles(a: float, b: float) -> np.ndarray:
    """`_QUANTILES` + 1 points of the inverse of the distribution function, float32."""
    from scipy.special import betaincinv

    return betaincinv(a, b, np.linspace(0, 1, _QUANTILES + 1)).astype(np.float32)


def mix(
    xp: Namespace, parts: tuple[Part, ...], key: Array, packed: Array, labels: Array
) -> tuple[Array, Array]:
    """Packed images and rows of probabilities after all mixers.

    The branches of a `RandomChoice` take their partners from the same unmixed images.
    """
    since: list[Part] = []
    partners = (packed, labels)
    for part in parts:
        if not all(part.excludes(other) for other in since):
            partners, since = (packed, labels), []
        since.append(part)
        packed, own = run(xp, _mix_images, packed, partners[0], key, part=part)
        own = own[:, None]
        labels = labels * own + xp.roll(partners[1], 1, axis=0) * (1.0 - own)
    return packed, labels


def _mix_images(
    xp: Namespace, packed: Array, partners: Array, key: Array, *, part: Part
) -> tuple[Array, Array]:
    random, step, other = Random(xp, key), part.step, xp.roll(partners, 1, axis=0)
    if not isinstance(step, Mixer):
        raise InputError(f"not a batch mixer: {step!r}")
    own, patch = step.shares(part.stream(random), packed.shape[1:])
    mask = part.mask(random)
    if mask is not None:
        own = xp.where(mask, own, 1.0)
    if patch is not None:
        if mask is not None:
            patch = patch & mask[:, None, None]
        return xp.where(patch, other, packed), own
    weight = xp.cast(xp.floor(own * 256.0 + 0.5), "int32")[:, None, None]
    mixed = kernels.weighted(xp, ((packed, weight), (other, 256 - weight)))
    return mixed, xp.cast(weight[:, 0, 0], "float32") / 256.0


def one_hot(xp: Namespace, labels: Any, classes: int) -> Array:
    """Labels as float32 `[n, classes]`: integers `[n]` or `[n, 1]`, or rows that are so already."""
    labels = xp.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[1] == classes:
        return xp.cast(labels, "float32")
    if len(labels.shape) == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if len(labels.shape) != 1:
        raise InputError(
            f"mixing images needs labels of {classes} classes: integers [n], or rows "
            f"[n, {classes}]. Received: shape {tuple(labels.shape)}. Is `classes` right?"
        )
    places = xp.arange(classes, dtype="int32")[None, :]
    return xp.cast(xp.cast(labels, "int32")[:, None] == places, "float32")
