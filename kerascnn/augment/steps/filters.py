"""Steps that look at the neighbours of a pixel: blur and sharpness."""

from dataclasses import dataclass
from typing import ClassVar

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.random import Random
from kerascnn.augment.step import Local, Range, check_range, draw
from kerascnn.errors import InputError


def shifted(xp: Namespace, x: Array, offset: int, axis: int) -> Array:
    """`x` moved by `offset` places along axis 1 or 2 of `[n, H, W]`; the border is repeated."""
    side = x.shape[axis]
    places = xp.clip(xp.arange(side, dtype="int32") + offset, 0, side - 1)
    return xp.take(x, places, axis=axis)


def smooth(xp: Namespace, x: Array, weights: list[Array]) -> Array:
    """A symmetric separable filter on float `[n, H, W]`.

    Args:
        weights: `[n]` each: of the centre, and of the two places at distance 1, 2, ...
    """
    for axis in (1, 2):
        total = x * weights[0][:, None, None]
        for distance, weight in enumerate(weights[1:], start=1):
            pair = shifted(xp, x, distance, axis) + shifted(xp, x, -distance, axis)
            total = total + pair * weight[:, None, None]
        x = total
    return x


def gaussian(xp: Namespace, deviation: Array, radius: int) -> list[Array]:
    """The weights of a Gaussian cut at `radius`, for each image's deviation `[n]`."""
    scale = 0.5 / xp.maximum(deviation * deviation, 1e-8)
    weights = [xp.exp(scale * -float(distance * distance)) for distance in range(radius + 1)]
    total = weights[0]
    for weight in weights[1:]:
        total = total + 2.0 * weight
    return [weight / total for weight in weights]


@dataclass(frozen=True)
class GaussianBlur(Local):
    """Blurs with a Gaussian; the border is repeated.

    Args:
        deviation: Range of the standard deviation in pixels, 0..10; the filter ends at three times
            the largest.
    """

    deviation: Range = (0.1, 2.0)

    def __post_init__(self) -> None:
        deviation = check_range("deviation", self.deviation, 0, 10)
        object.__setattr__(self, "deviation", deviation)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        drawn = draw(random, self.deviation)
        return run(random.xp, _blur, packed, drawn, radius=self.radius, channels=channels)

    @property
    def radius(self) -> int:
        """Half the width of the filter in pixels."""
        most = self.deviation
        if isinstance(most, tuple):
            most = most[1]
        if not isinstance(most, int | float):
            most = max(most.values)
        return max(1, round(3 * most))


def _blur(xp: Namespace, packed: Array, deviation: Array, *, radius: int, channels: int) -> Array:
    weights = gaussian(xp, deviation, radius)
    planes = [xp.cast(plane, "float32") for plane in kernels.split(xp, packed, channels)]
    return kernels.join(xp, [kernels.to_bytes(xp, smooth(xp, p, weights)) for p in planes])


@dataclass(frozen=True)
class Sharpness(Local):
    """Moves images away from (or towards) their smoothed version, as Pillow does.

    The smoothing filter is 3x3 with weight 5 in the middle and 1 around it; the outermost pixels
    stay. It is small enough for a warp to be moved past it.

    Args:
        factor: Range; 0 is smoothed, 1 changes nothing, 2 is sharper. One number x is 1-x..1+x.
    """

    factor: Range = 0.5
    commutes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        factor = check_range("factor", self.factor, 0, 100, around=1)
        object.__setattr__(self, "factor", factor)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        if min(packed.shape[1:]) < 3:
            raise InputError("Sharpness needs images of 3x3 pixels or more.")
        factor = draw(random, self.factor)
        # The smoothed image is a pass of its own: XLA would compute it anew for each channel.
        smoothed = run(random.xp, _smoothed, packed)
        return run(random.xp, _sharpened, packed, smoothed, factor, channels=channels)


def _smoothed(xp: Namespace, packed: Array) -> Array:
    """The 3x3 filter on packed pixels, two channels at a time, rounded."""

    def half(shift: int) -> Array:
        fields = xp.bitwise_and(xp.right_shift(packed, shift), 0x00FF00FF)
        rows_ = fields[:, :-2] + fields[:, 1:-1] + fields[:, 2:]
        total = rows_[:, :, :-2] + rows_[:, :, 1:-1] + rows_[:, :, 2:]
        total = total + 4 * fields[:, 1:-1, 1:-1]  # 13 times a value fits into 16 bits
        low = (xp.bitwise_and(total, 0xFFFF) + 6) // 13
        return low + ((xp.right_shift(total, 16) + 6) // 13) * 65536

    inner = half(0) + half(8) * 256
    middle = xp.concatenate([packed[:, 1:-1, :1], inner, packed[:, 1:-1, -1:]], axis=2)
    return xp.concatenate([packed[:, :1], middle, packed[:, -1:]], axis=1)


def _sharpened(
    xp: Namespace, packed: Array, smoothed: Array, factor: Array, *, channels: int
) -> Array:
    own = factor[:, None, None]
    pairs = zip(
        kernels.split(xp, packed, channels), kernels.split(xp, smoothed, channels), strict=True
    )
    mixed = [
        xp.cast(blurred, "float32") * (1.0 - own) + xp.cast(plane, "float32") * own
        for plane, blurred in pairs
    ]
    return kernels.join(xp, [kernels.to_bytes(xp, x) for x in mixed])
