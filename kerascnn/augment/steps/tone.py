"""Steps on each channel by itself: tables of 256 values."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from kerascnn.augment.arrays import Array
from kerascnn.augment.random import Random
from kerascnn.augment.step import Range, Tone, check_number, check_range, draw


def levels(random: Random) -> Array:
    """The values 0..255 as float32 `[1, 1, 256]`."""
    return random.xp.arange(256, dtype="float32")[None, None, :]


def per_image(x: Array) -> Array:
    """`[n]` as `[n, 1, 1]`."""
    return x[:, None, None]


@dataclass(frozen=True)
class _Factor(Tone):
    """A step with a factor of strength; 1 changes nothing.

    Args:
        factor: Range of the factor; one number x is 1-x..1+x.
    """

    factor: Range = 0.4

    def __post_init__(self) -> None:
        factor = check_range("factor", self.factor, 0, 100, around=1)
        object.__setattr__(self, "factor", factor)


@dataclass(frozen=True)
class Brightness(_Factor):
    """Multiplies all values by a factor.

    Args:
        factor: Range of the factor; one number x is 1-x..1+x.
    """

    def tables(self, random: Random, measured: Any) -> Array:
        return levels(random) * per_image(draw(random, self.factor))


@dataclass(frozen=True)
class Contrast(_Factor):
    """Multiplies the distance of all values from the image's mean grey by a factor.

    Args:
        factor: Range of the factor; one number x is 1-x..1+x.
    """

    measures: ClassVar[Literal["mean"]] = "mean"

    def tables(self, random: Random, measured: Any) -> Array:
        factor, mean = per_image(draw(random, self.factor)), per_image(measured)
        return (levels(random) - mean) * factor + mean


@dataclass(frozen=True)
class Invert(Tone):
    """The negative: 255 - value."""

    def tables(self, random: Random, measured: Any) -> Array:
        return 255.0 - levels(random) + per_image(random.uniform() * 0.0)


@dataclass(frozen=True)
class Posterize(Tone):
    """Keeps the upper bits of each value.

    Args:
        bits: How many, 0..8, or a range of it (both ends included).
    """

    bits: Range = (4, 8)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_range("bits", self.bits, 0, 8))

    def tables(self, random: Random, measured: Any) -> Array:
        bits = self.bits
        if isinstance(bits, tuple):  # whole numbers, each as likely
            bits = (bits[0], bits[1] + 1.0 - 1e-5)
        whole = random.xp.floor(draw(random, bits))
        step = per_image(random.xp.floor(random.xp.exp((8.0 - whole) * 0.6931471805599453) + 0.5))
        return random.xp.floor(levels(random) / step) * step


@dataclass(frozen=True)
class Solarize(Tone):
    """Inverts the values that are not below a threshold.

    Args:
        threshold: 0..256, or a range of it.
    """

    threshold: Range = (64, 256)

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", check_range("threshold", self.threshold, 0, 256))

    def tables(self, random: Random, measured: Any) -> Array:
        v, threshold = levels(random), per_image(draw(random, self.threshold))
        return random.xp.where(v >= threshold, 255.0 - v, v)


@dataclass(frozen=True)
class SolarizeAdd(Tone):
    """Adds to the values below a threshold (AutoAugment's code for SVHN and its descendants).

    Args:
        addition: What is added, -255..255, or a range of it.
        threshold: 0..256.
    """

    addition: Range = (0, 110)
    threshold: float = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "addition", check_range("addition", self.addition, -255, 255))
        check_number("threshold", self.threshold, 0, 256)

    def tables(self, random: Random, measured: Any) -> Array:
        v, addition = levels(random), per_image(draw(random, self.addition))
        return random.xp.where(v < float(self.threshold), v + addition, v)


@dataclass(frozen=True)
class AutoContrast(Tone):
    """Stretches the values of each channel to 0..255."""

    measures: ClassVar[Literal["range"]] = "range"

    def tables(self, random: Random, measured: Any) -> Array:
        xp = random.xp
        low, high = (xp.cast(x, "float32")[:, :, None] for x in measured)
        v = levels(random)
        stretched = xp.floor((v - low) * 255.0 / xp.maximum(high - low, 1.0))
        return xp.where(high > low, stretched, v)


@dataclass(frozen=True)
class Equalize(Tone):
    """Spreads the values of each channel so that each is about as frequent (as Pillow does)."""

    measures: ClassVar[Literal["histogram"]] = "histogram"

    def tables(self, random: Random, measured: Any) -> Array:
        xp = random.xp
        counts = xp.cast(measured, "int32")
        before = xp.cumsum(counts, axis=-1) - counts
        brightest = xp.amax(xp.where(counts > 0, xp.arange(256, dtype="int32"), 0), axis=-1)
        places = xp.arange(256, dtype="int32")[None, None, :]
        last = xp.sum(xp.where(places == brightest[..., None], counts, 0), axis=-1)
        step = ((xp.sum(counts, axis=-1) - last) // 255)[..., None]
        table = xp.minimum((before + step // 2) // xp.maximum(step, 1), 255)
        return xp.cast(xp.where(step > 0, table, places), "float32")


@dataclass(frozen=True)
class Gamma(Tone):
    """Raises the values, as parts of 255, to a power.

    Args:
        gamma: Range of the power; below 1 is brighter. One number x is 1-x..1+x.
    """

    gamma: Range = (0.8, 1.25)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_range("gamma", self.gamma, 0.05, 20, around=1))

    def tables(self, random: Random, measured: Any) -> Array:
        xp = random.xp
        v = levels(random) / 255.0
        logarithm = xp.log(xp.maximum(v, 1e-6))
        power = xp.exp(logarithm * per_image(draw(random, self.gamma))) * 255.0
        return xp.where(v > 0.0, power, 0.0 * power)
