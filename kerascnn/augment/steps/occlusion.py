"""Steps that cover parts of an image."""

import math
from dataclasses import dataclass

from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.random import Random
from kerascnn.augment.step import Local, Range, bounds, check_number, check_range, draw
from kerascnn.errors import InputError


def covered(xp: Namespace, start: Array, length: Array, side: int) -> Array:
    """bool `[n, side]`: the places from `start` on, `length` of them."""
    places = xp.arange(side, dtype="float32")[None, :]
    return (places >= start[:, None]) & (places < (start + length)[:, None])


@dataclass(frozen=True)
class RandomErasing(Local):
    """Covers a rectangle with noise or one colour (arXiv:1708.04896, algorithm 1).

    Args:
        probability: Of an image being changed.
        scale: Range of the rectangle's part of the area.
        ratio: Range of its height / width, drawn evenly on a logarithmic scale.
        value: A grey value 0..255, or "noise": every pixel a random colour, as in the paper.
    """

    probability: float = 0.5
    scale: tuple[float, float] = (0.02, 1 / 3)
    ratio: tuple[float, float] = (0.3, 10 / 3)
    value: float | str = "noise"

    def __post_init__(self) -> None:
        check_number("probability", self.probability, 0, 1)
        object.__setattr__(self, "scale", bounds(check_range("scale", self.scale, 0, 1)))
        object.__setattr__(self, "ratio", bounds(check_range("ratio", self.ratio, 0.01, 100)))
        if self.value != "noise":
            if isinstance(self.value, str):
                raise InputError(f'`value` must be 0..255 or "noise". Received: {self.value!r}')
            check_number("value", self.value, 0, 255)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        return run(random.xp, _erase, packed, random.key, step=self, channels=channels)


def _erase(
    xp: Namespace, packed: Array, key: Array, *, step: RandomErasing, channels: int
) -> Array:
    random = Random(xp, key)
    height, width = packed.shape[1:]
    acts = random.chance(step.probability)
    area = random.uniform(*step.scale) * float(height * width)
    ratio = xp.exp(random.uniform(math.log(step.ratio[0]), math.log(step.ratio[1])))
    high = xp.minimum(xp.floor(xp.sqrt(area * ratio) + 0.5), float(height))
    wide = xp.minimum(xp.floor(xp.sqrt(area / ratio) + 0.5), float(width))
    top = xp.floor(random.uniform() * (height - high + 1.0))
    left = xp.floor(random.uniform() * (width - wide + 1.0))
    rows, columns = covered(xp, top, high, height), covered(xp, left, wide, width)
    mask = (rows & acts[:, None])[:, :, None] & columns[:, None, :]
    if step.value == "noise":
        color = xp.bitwise_and(random.bits(height * width), (1 << (8 * channels)) - 1)
        return xp.where(mask, xp.reshape(color, (-1, height, width)), packed)
    return xp.where(mask, grey(float(step.value), channels), packed)


def grey(value: float, channels: int) -> int:
    """A packed grey pixel."""
    return sum(round(value) << (8 * c) for c in range(channels))


@dataclass(frozen=True)
class Cutout(Local):
    """Covers a square around a random pixel; it may lie partly outside (arXiv:1708.04552).

    Args:
        size: The square's side as a fraction of the shorter side of the image (16 of 32 pixels for
            CIFAR-10 in the paper).
        value: Grey value 0..255.
    """

    size: float = 0.5
    value: float = 0

    def __post_init__(self) -> None:
        check_number("size", self.size, 0, 2)
        check_number("value", self.value, 0, 255)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        xp, (height, width) = random.xp, packed.shape[1:]
        y, x = random.integer(height), random.integer(width)
        return run(xp, _cut, packed, y, x, step=self, channels=channels)


def _cut(xp: Namespace, packed: Array, y: Array, x: Array, *, step: Cutout, channels: int) -> Array:
    height, width = packed.shape[1:]
    side = float(round(step.size * min(height, width)))
    length = xp.cast(y * 0, "float32") + side
    top, left = (xp.cast(place, "float32") - side // 2 for place in (y, x))
    rows, columns = covered(xp, top, length, height), covered(xp, left, length, width)
    return xp.where(rows[:, :, None] & columns[:, None, :], grey(step.value, channels), packed)


@dataclass(frozen=True)
class GridMask(Local):
    """Covers a grid of squares (arXiv:2001.04086; without the rotation of the grid).

    Args:
        period: Range of the distance of the squares, as a fraction of the shorter side.
        keep: The part of each period that stays visible, 0..1, along both axes.
        value: Grey value 0..255.
    """

    period: Range = (0.2, 0.5)
    keep: float = 0.6
    value: float = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "period", check_range("period", self.period, 0.01, 1))
        check_number("keep", self.keep, 0, 1)
        check_number("value", self.value, 0, 255)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        return run(random.xp, _grid, packed, random.key, step=self, channels=channels)


def _grid(xp: Namespace, packed: Array, key: Array, *, step: GridMask, channels: int) -> Array:
    random = Random(xp, key)
    height, width = packed.shape[1:]
    period = xp.floor(draw(random, step.period) * float(min(height, width)) + 0.5)
    period = xp.maximum(period, 2.0)[:, None]

    def hidden(side: int) -> Array:
        shift = xp.floor(random.uniform()[:, None] * period)
        places = xp.arange(side, dtype="float32")[None, :] + shift
        return places - xp.floor(places / period) * period >= period * step.keep

    mask = hidden(height)[:, :, None] & hidden(width)[:, None, :]
    return xp.where(mask, grey(step.value, channels), packed)
