"""Steps that move pixels. See `Geometric` for the coordinates."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from kerascnn.augment.arrays import Array
from kerascnn.augment.random import Random
from kerascnn.augment.step import (
    Geometric,
    Range,
    Size,
    check_number,
    check_range,
    draw,
    rows,
)
from kerascnn.errors import InputError


def about_centre(random: Random, size: Size, a: Any, b: Any, c: Any, d: Any) -> Array:
    """The linear map ((a, b), (c, d)) around the centre of the image, as 3x3 matrices."""
    x, y = size[1] / 2, size[0] / 2
    return rows(
        random,
        [[a, b, x - a * x - b * y], [c, d, y - c * x - d * y], [0.0, 0.0, 1.0]],
    )


@dataclass(frozen=True)
class Flip(Geometric):
    """Mirrors images left to right, top to bottom, or both independently.

    Args:
        horizontal: Left to right.
        vertical: Top to bottom.
        probability: Of each of them.
    """

    horizontal: bool = True
    vertical: bool = False
    probability: float = 0.5
    axis_aligned: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("probability", self.probability, 0, 1)

    def matrices(self, random: Random, size: Size) -> Array:
        xp = random.xp
        x = xp.where(random.chance(self.probability), -1.0, 1.0) if self.horizontal else 1.0
        y = xp.where(random.chance(self.probability), -1.0, 1.0) if self.vertical else 1.0
        return about_centre(random, size, x, 0.0, 0.0, y)


@dataclass(frozen=True)
class Rotate(Geometric):
    """Turns images around their centre.

    Args:
        degrees: Range of angles, counter-clockwise; one number x is -x..x.
    """

    degrees: Range = 15.0

    def __post_init__(self) -> None:
        degrees = check_range("degrees", self.degrees, -360, 360, around=0)
        object.__setattr__(self, "degrees", degrees)

    def matrices(self, random: Random, size: Size) -> Array:
        angle = draw(random, self.degrees) * (math.pi / 180)
        cos, sin = random.xp.cos(angle), random.xp.sin(angle)
        return about_centre(random, size, cos, -sin, sin, cos)


@dataclass(frozen=True)
class Shear(Geometric):
    """Shifts rows or columns in proportion to their distance from the centre.

    Args:
        x: Range of pixels that a row moves to the left per row below the centre; one number x is
            -x..x.
        y: The same for columns, upwards per column to the right.
    """

    x: Range = 0.1
    y: Range = 0.0

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            given = check_range(name, getattr(self, name), -5, 5, around=0)
            object.__setattr__(self, name, given)

    def matrices(self, random: Random, size: Size) -> Array:
        x, y = draw(random, self.x), draw(random, self.y)
        return about_centre(random, size, 1.0, x, y, 1.0)


@dataclass(frozen=True)
class Translate(Geometric):
    """Moves images.

    Args:
        x: Range of the shift to the right, as a fraction of the width (`unit="fraction"`) or in
            pixels; one number x is -x..x.
        y: The same downwards, of the height.
        unit: "fraction" or "pixel".
    """

    x: Range = 0.1
    y: Range = 0.1
    unit: str = "fraction"
    axis_aligned: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.unit not in ("fraction", "pixel"):
            raise InputError(f'`unit` must be "fraction" or "pixel". Received: {self.unit!r}')
        limit = 1.0 if self.unit == "fraction" else 1e4
        for name in ("x", "y"):
            given = check_range(name, getattr(self, name), -limit, limit, around=0)
            object.__setattr__(self, name, given)

    def matrices(self, random: Random, size: Size) -> Array:
        height, width = size if self.unit == "fraction" else (1, 1)
        x, y = draw(random, self.x) * float(width), draw(random, self.y) * float(height)
        return rows(random, [[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Zoom(Geometric):
    """Enlarges or shrinks the content around the centre; the size stays.

    Args:
        factor: Range of the enlargement; one number x is 1-x..1+x.
    """

    factor: Range = 0.2
    axis_aligned: ClassVar[bool] = True

    def __post_init__(self) -> None:
        factor = check_range("factor", self.factor, 0.05, 20, around=1)
        object.__setattr__(self, "factor", factor)

    def matrices(self, random: Random, size: Size) -> Array:
        inverse = 1.0 / draw(random, self.factor)
        return about_centre(random, size, inverse, 0.0, 0.0, inverse)


@dataclass(frozen=True)
class Perspective(Geometric):
    """Shows the image as a plane seen at an angle: each corner moves inwards by itself.

    Args:
        distortion: How far at most, as a part of half the side, 0..1 (below 1).
    """

    distortion: float = 0.5
    perspective: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("distortion", self.distortion, 0, 0.99)

    def matrices(self, random: Random, size: Size) -> Array:
        height, width = size
        x = [random.uniform(0.0, self.distortion / 2) * float(width) for _ in range(4)]
        y = [random.uniform(0.0, self.distortion / 2) * float(height) for _ in range(4)]
        corners = [  # upper left, upper right, lower right, lower left
            (x[0], y[0]),
            (float(width) - x[1], y[1]),
            (float(width) - x[2], float(height) - y[2]),
            (x[3], float(height) - y[3]),
        ]
        forward = _square_to_quad(random, corners)
        to_square = rows(random, [[1 / width, 0.0, 0.0], [0.0, 1 / height, 0.0], [0.0, 0.0, 1.0]])
        return inverse(random.xp, random.xp.matmul(forward, to_square))


def _square_to_quad(random: Random, corners: list[tuple[Array, Array]]) -> Array:
    """The projective map of the unit square to four corners (Heckbert 1989, section 2.2.3)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area
    return rows(
        random,
        [
            [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
            [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
            [g, h, 1.0],
        ],
    )


def inverse(xp: Any, m: Array) -> Array:
    """Inverse of projective 3x3 matrices `[n, 3, 3]`, up to the scale that does not matter."""
    e = [[m[:, i, j] for j in range(3)] for i in range(3)]

    def cofactor(i: int, j: int) -> Array:
        a, b = [k for k in range(3) if k != i]
        c, d = [k for k in range(3) if k != j]
        return (e[a][c] * e[b][d] - e[a][d] * e[b][c]) * (-1.0) ** (i + j)

    adjugate = [[cofactor(j, i) for j in range(3)] for i in range(3)]
    last = adjugate[2][2]  # not 0: the images here never have a corner at infinity
    return xp.stack([xp.stack([x / last for x in row], axis=-1) for row in adjugate], axis=1)
