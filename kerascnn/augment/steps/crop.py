"""Steps that cut out a part of the image or change its size.

There is no low-pass filter before shrinking: a crop shrunk to less than half its size skips pixels.
Load images at most twice as large as the model needs (`kerascnn.data.load` resizes with a filter).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from kerascnn.augment.arrays import Array
from kerascnn.augment.random import Random
from kerascnn.augment.step import (
    Geometric,
    Size,
    bounds,
    check_number,
    check_range,
    check_size,
    rows,
)
from kerascnn.errors import InputError

_ATTEMPTS = 10


def window(random: Random, left: Any, top: Any, width: Any, height: Any, size: Size) -> Array:
    """Matrices that fill an output of `size` with a window of the input, in pixels."""
    return rows(
        random,
        [[width / size[1], 0.0, left], [0.0, height / size[0], top], [0.0, 0.0, 1.0]],
    )


@dataclass(frozen=True)
class Resize(Geometric):
    """Brings images to one size, whatever happens to the aspect ratio.

    Args:
        size: A number or (height, width).
    """

    size: int | Size
    axis_aligned: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size("size", self.size))

    def output_size(self, size: Size) -> Size:
        return self.size  # type: ignore[return-value]  # a pair after the check

    def matrices(self, random: Random, size: Size) -> Array:
        return window(random, 0.0, 0.0, size[1], size[0], self.output_size(size))


@dataclass(frozen=True)
class CenterCrop(Resize):
    """Cuts the middle out of images; what they do not have is filled.

    Args:
        size: A number or (height, width).
    """

    def matrices(self, random: Random, size: Size) -> Array:
        height, width = self.output_size(size)
        top, left = float((size[0] - height) // 2), float((size[1] - width) // 2)
        return window(random, left, top, width, height, (height, width))


@dataclass(frozen=True)
class RandomCrop(Resize):
    """Cuts a window out of images at a random place.

    Args:
        size: A number or (height, width).
        padding: Pixels of fill added on each side before (4 in the CIFAR experiments of He et al.,
            arXiv:1512.03385, section 4.2).
    """

    padding: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("padding", self.padding, 0, 1e4)

    def matrices(self, random: Random, size: Size) -> Array:
        height, width = self.output_size(size)
        free = [size[i] + 2 * self.padding - (height, width)[i] for i in (0, 1)]
        if min(free) < 0:
            raise InputError(
                f"RandomCrop({self.size}) of images of {size[0]}x{size[1]} pixels with padding "
                f"{self.padding}: the crop is larger than the image. Give larger images or padding."
            )
        cast = random.xp.cast
        top = cast(random.integer(free[0] + 1), "float32") - float(self.padding)
        left = cast(random.integer(free[1] + 1), "float32") - float(self.padding)
        return window(random, left, top, width, height, (height, width))


@dataclass(frozen=True)
class RandomResizedCrop(Resize):
    """A window of random area and shape, brought to one size (arXiv:1409.4842, section 6).

    Ten windows are drawn, as torchvision does, and the first that fits is taken; if none does, the
    largest in the middle whose shape is allowed.

    Args:
        size: A number or (height, width).
        scale: Range of the window's part of the area.
        ratio: Range of its width / height, drawn evenly on a logarithmic scale.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", bounds(check_range("scale", self.scale, 1e-4, 1)))
        object.__setattr__(self, "ratio", bounds(check_range("ratio", self.ratio, 0.01, 100)))

    def matrices(self, random: Random, size: Size) -> Array:
        xp = random.xp
        height, width = size
        shape = min(max(width / height, self.ratio[0]), self.ratio[1])
        w = random.uniform() * 0.0 + float(round(min(width, height * shape)))
        h = w * 0.0 + float(round(min(height, width / shape)))
        left, top = xp.floor((width - w) / 2.0), xp.floor((height - h) / 2.0)
        area, ratio, x, y = (random.units(_ATTEMPTS) for _ in range(4))
        area = (area * (self.scale[1] - self.scale[0]) + self.scale[0]) * float(height * width)
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = xp.exp(ratio * (high - low) + low)
        wide = xp.floor(xp.sqrt(area * ratio) + 0.5)
        tall = xp.floor(xp.sqrt(area / ratio) + 0.5)
        x, y = xp.floor(x * (width - wide + 1.0)), xp.floor(y * (height - tall + 1.0))
        fits = (wide > 0.0) & (wide <= float(width)) & (tall > 0.0) & (tall <= float(height))
        number = xp.cumsum(xp.cast(fits, "int32"), axis=1)
        first = fits & (number == 1)
        found = number[:, -1] > 0

        def taken(drawn: Array, otherwise: Array) -> Array:
            return xp.where(found, xp.sum(xp.where(first, drawn, 0.0), axis=1), otherwise)

        left, top, w, h = taken(x, left), taken(y, top), taken(wide, w), taken(tall, h)
        return window(random, left, top, w, h, self.output_size(size))
