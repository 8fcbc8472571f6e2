"""Steps that mix the channels: 3x4 matrices."""

import math
from dataclasses import dataclass

import numpy as np

from kerascnn.augment.arrays import Array
from kerascnn.augment.kernels import LUMA
from kerascnn.augment.random import Random
from kerascnn.augment.step import (
    Color,
    Part,
    Range,
    Step,
    check_number,
    check_range,
    draw,
    rows,
)
from kerascnn.augment.steps.tone import Brightness, Contrast

# RGB to luma and two colour differences (NTSC 1953), for turning hues; and back.
_TO_YIQ = np.array([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
# Principal components of the ImageNet pixels in 0..1 (Krizhevsky et al. 2012, section 4.1; the
# numbers are those published with its reimplementations).
_EIGENVALUES = (0.2175, 0.0188, 0.0045)
_EIGENVECTORS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)


def _mixed_with_luma(random: Random, own: Array) -> Array:
    """Matrices of `own` times the colour and 1 - `own` times its luma."""
    other = 1.0 - own
    return rows(
        random,
        [[LUMA[j] * other + (own if i == j else 0.0) for j in range(3)] + [0.0] for i in range(3)],
    )


@dataclass(frozen=True)
class Saturation(Color):
    """Makes colours stronger or weaker.

    Args:
        factor: Range of the factor; 0 is grey, 1 changes nothing. One number x is 1-x..1+x.
    """

    factor: Range = 0.4

    def __post_init__(self) -> None:
        factor = check_range("factor", self.factor, 0, 100, around=1)
        object.__setattr__(self, "factor", factor)

    def matrices(self, random: Random) -> Array:
        return _mixed_with_luma(random, draw(random, self.factor))


@dataclass(frozen=True)
class Hue(Color):
    """Turns all hues by an angle, at equal luma.

    A rotation in the YIQ space, which is linear; the rotation in HSV, as in Pillow and torchvision,
    is not, and changes the luma.

    Args:
        turn: Range of the angle in whole turns, -0.5..0.5; one number x is -x..x.
    """

    turn: Range = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "turn", check_range("turn", self.turn, -0.5, 0.5, around=0))

    def matrices(self, random: Random) -> Array:
        xp = random.xp
        angle = draw(random, self.turn) * (2 * math.pi)
        constant = np.outer(_FROM_YIQ[:, 0], _TO_YIQ[0])
        even = _FROM_YIQ[:, 1:] @ _TO_YIQ[1:]
        odd = _FROM_YIQ[:, 1:] @ np.array([[0.0, -1.0], [1.0, 0.0]]) @ _TO_YIQ[1:]
        cos, sin = xp.cos(angle), xp.sin(angle)
        entry = [
            [
                cos * float(even[i, j]) + sin * float(odd[i, j]) + float(constant[i, j])
                for j in range(3)
            ]
            for i in range(3)
        ]
        return rows(random, [[*row, 0.0] for row in entry])


@dataclass(frozen=True)
class Grayscale(Color):
    """Replaces colours by their luma (all three channels stay).

    Args:
        probability: Of an image being turned grey.
    """

    probability: float = 0.1

    def __post_init__(self) -> None:
        check_number("probability", self.probability, 0, 1)

    def matrices(self, random: Random) -> Array:
        grey = random.xp.where(random.chance(self.probability), 0.0, 1.0)
        return _mixed_with_luma(random, grey)


@dataclass(frozen=True)
class PCALighting(Color):
    """AlexNet's change of illumination: adds multiples of the principal components of colour.

    Args:
        deviation: Standard deviation of the multiples (0.1 in the paper, section 4.1).
    """

    deviation: float = 0.1

    def __post_init__(self) -> None:
        check_number("deviation", self.deviation, 0, 10)

    def matrices(self, random: Random) -> Array:
        amounts = [random.normal() * (255.0 * self.deviation * value) for value in _EIGENVALUES]
        entry = []
        for i, vector in enumerate(_EIGENVECTORS):
            shift = sum(amount * part for amount, part in zip(amounts, vector, strict=True))
            entry.append([*(float(i == j) for j in range(3)), shift])
        return rows(random, entry)


@dataclass(frozen=True)
class ColorJitter(Step):
    """Contrast, brightness, saturation and hue, in this order: each image gets its own four draws.

    torchvision shuffles the order; contrast comes first here because it looks at the image's mean.

    Args:
        brightness: Range of the factor; one number x is 1-x..1+x. 0 leaves it out; so below.
        contrast: Range of the factor.
        saturation: Range of the factor.
        hue: Range in turns; one number x is -x..x.
    """

    brightness: Range = 0.4
    contrast: Range = 0.4
    saturation: Range = 0.4
    hue: Range = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            given = check_range(name, getattr(self, name), 0, 100, around=1)
            object.__setattr__(self, name, given)
        object.__setattr__(self, "hue", check_range("hue", self.hue, -0.5, 0.5, around=0))

    def parts(self) -> tuple[Part, ...]:
        steps = (
            (Contrast(self.contrast), self.contrast != (1.0, 1.0)),
            (Brightness(self.brightness), self.brightness != (1.0, 1.0)),
            (Saturation(self.saturation), self.saturation != (1.0, 1.0)),
            (Hue(self.hue), self.hue != (0.0, 0.0)),
        )
        return tuple(Part(step, (i,)) for i, (step, used) in enumerate(steps) if used)
