"""Steps that make a worse photo: noise and compression."""

import math
from dataclasses import dataclass

import numpy as np

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.random import Random, box_muller
from kerascnn.augment.step import Local, Range, check_range, draw


@dataclass(frozen=True)
class GaussianNoise(Local):
    """Adds noise of the normal distribution, independent for each pixel and channel.

    Args:
        deviation: Range of the standard deviation, in values of 0..255.
    """

    deviation: Range = (0.0, 10.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deviation", check_range("deviation", self.deviation, 0, 255))

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        return run(random.xp, _noise, packed, random.key, step=self, channels=channels)


def _noise(
    xp: Namespace, packed: Array, key: Array, *, step: GaussianNoise, channels: int
) -> Array:
    random = Random(xp, key)
    height, width = packed.shape[1:]
    deviation = draw(random, step.deviation)[:, None, None]
    noisy = []
    for plane in kernels.split(xp, packed, channels):
        noise = box_muller(xp, random.units(height * width), random.units(height * width))
        noise = xp.reshape(noise, (-1, height, width)) * deviation
        noisy.append(kernels.to_bytes(xp, xp.cast(plane, "float32") + noise))
    return kernels.join(xp, noisy)


# ITU-T T.81 (JPEG), annex K, tables K.1 and K.2.
_LUMINANCE = """
16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101
72 92 95 98 112 100 103 99
"""
_CHROMINANCE = (
    """
17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
"""
    + "99 " * 32
)
_QUANTA = tuple(np.array(t.split(), np.float32).reshape(8, 8) for t in (_LUMINANCE, _CHROMINANCE))
_PLACES = np.arange(8)
_DCT = np.cos((2 * _PLACES[None, :] + 1) * _PLACES[:, None] * math.pi / 16) / 2
_DCT[0] /= math.sqrt(2)
# ITU-T T.871 (JFIF): RGB to YCbCr and back, without the shift of 128.
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


@dataclass(frozen=True)
class JPEGArtifacts(Local):
    """The loss of a JPEG file of a given quality, without writing one.

    The discrete cosine transform of 8x8 blocks, rounded to multiples of the standard's tables as
    the IJG library scales them; colours at full resolution ("4:4:4").

    Args:
        quality: Range, 1..100.
    """

    quality: Range = (30, 90)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", check_range("quality", self.quality, 1, 100))

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        xp = random.xp
        quality = xp.floor(draw(random, self.quality) + 0.5)
        planes = run(xp, _to_ycc, packed, channels=channels)
        planes = [run(xp, _lossy, plane, quality, chroma=c > 0) for c, plane in enumerate(planes)]
        return run(xp, _from_ycc, *planes)


def _to_ycc(xp: Namespace, packed: Array, *, channels: int) -> list[Array]:
    values = [xp.cast(plane, "float32") for plane in kernels.split(xp, packed, channels)]
    if channels == 1:
        return [values[0] - 128.0]
    rows = [sum(w * v for w, v in zip(row, values, strict=True)) for row in _TO_YCC]
    return [xp.floor(row + 0.5) - (128.0 if i == 0 else 0.0) for i, row in enumerate(rows)]


def _from_ycc(xp: Namespace, *planes: Array) -> Array:
    if len(planes) == 1:
        return kernels.to_bytes(xp, planes[0] + 128.0)
    values = [planes[0] + 128.0, *planes[1:]]
    rows = [sum(w * v for w, v in zip(row, values, strict=True)) for row in _FROM_YCC]
    return kernels.join(xp, [kernels.to_bytes(xp, row) for row in rows])


def _lossy(xp: Namespace, plane: Array, quality: Array, *, chroma: bool) -> Array:
    """One plane, float32 `[n, H, W]` around 0, after rounding its 8x8 blocks' coefficients."""
    n, height, width = xp.shape(plane)
    down, right = -(-height // 8), -(-width // 8)
    rows = xp.minimum(xp.arange(8 * down, dtype="int32"), height - 1)
    columns = xp.minimum(xp.arange(8 * right, dtype="int32"), width - 1)
    plane = xp.take(xp.take(plane, rows, axis=1), columns, axis=2)
    blocks = xp.transpose(xp.reshape(plane, (n, down, 8, right, 8)), (0, 1, 3, 2, 4))
    percent = xp.where(quality < 50.0, xp.floor(5000.0 / quality), 200.0 - 2.0 * quality)
    table = xp.convert_to_tensor(_QUANTA[chroma], "float32")[None]
    quanta = xp.clip(xp.floor((table * percent[:, None, None] + 50.0) / 100.0), 1.0, 255.0)
    quanta = quanta[:, None, None]
    dct = xp.convert_to_tensor(_DCT, "float32")
    inverse = xp.transpose(dct, (1, 0))
    coefficients = xp.matmul(xp.matmul(dct, blocks), inverse)
    whole = xp.floor(xp.abs(coefficients) / quanta + 0.5) * quanta
    coefficients = xp.where(coefficients < 0.0, -whole, whole)
    blocks = xp.matmul(xp.matmul(inverse, coefficients), dct)
    plane = xp.reshape(xp.transpose(blocks, (0, 1, 3, 2, 4)), (n, 8 * down, 8 * right))
    return xp.clip(xp.floor(plane[:, :height, :width] + 0.5), -128.0, 127.0)
