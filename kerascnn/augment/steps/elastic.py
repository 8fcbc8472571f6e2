"""Elastic distortion: each pixel moves by itself, its neighbours nearly as much."""

from dataclasses import dataclass
from typing import ClassVar

from kerascnn.augment import warp
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.random import Random
from kerascnn.augment.step import Local, Range, check_number, check_range, draw
from kerascnn.augment.steps.filters import gaussian, smooth


@dataclass(frozen=True)
class ElasticTransform(Local):
    """Moves each pixel by a smooth random field (Simard et al. 2003, section 2).

    Uniform noise in -1..1, smoothed by a Gaussian and multiplied by `strength`. The border is
    repeated. Masks follow; boxes cannot.

    Args:
        strength: Range of the factor, in pixels (34 for MNIST in the paper).
        smoothness: Standard deviation of the Gaussian in pixels (4 in the paper).
    """

    strength: Range = 34.0
    smoothness: float = 4.0
    moves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", check_range("strength", self.strength, 0, 1e4))
        check_number("smoothness", self.smoothness, 0.5, 30)

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        return _move(random.xp, packed, *self._places(random, packed))

    def apply_with_masks(
        self, random: Random, packed: Array, channels: int, masks: Array
    ) -> tuple[Array, Array]:
        xp = random.xp
        u, v = self._places(random, packed)
        return _move(xp, packed, u, v), run(xp, _nearest, masks, u, v)

    def _places(self, random: Random, packed: Array) -> tuple[Array, Array]:
        """Where each pixel comes from."""
        xp, size = random.xp, tuple(packed.shape[1:])
        strength = draw(random, self.strength)
        fields: list[Array] = []
        for key in (random.fold(0).key, random.fold(1).key):
            noise = run(xp, _noise, key, strength, size=size)
            fields.append(run(xp, _smoothed, noise, smoothness=self.smoothness))
        return run(xp, _moved, *fields)


def _move(xp: Namespace, packed: Array, u: Array, v: Array) -> Array:
    addresses, weights = run(xp, warp.address, u, v, source=tuple(packed.shape[1:]))
    return run(xp, warp.interpolate, packed, addresses, weights, fill=0)


def _noise(xp: Namespace, key: Array, strength: Array, *, size: tuple[int, int]) -> Array:
    field = (Random(xp, key).units(size[0] * size[1]) * 2.0 - 1.0) * strength[:, None]
    return xp.reshape(field, (-1, *size))


def _smoothed(xp: Namespace, field: Array, *, smoothness: float) -> Array:
    deviation = field[:, 0, 0] * 0.0 + smoothness
    return smooth(xp, field, gaussian(xp, deviation, round(3 * smoothness)))


def _moved(xp: Namespace, dx: Array, dy: Array) -> tuple[Array, Array]:
    """Where each pixel comes from, kept inside the image."""
    height, width = dx.shape[1:]
    u = xp.arange(width, dtype="float32")[None, None, :] + 0.5 + dx
    v = xp.arange(height, dtype="float32")[None, :, None] + 0.5 + dy
    return xp.clip(u, 0.5, width - 0.5), xp.clip(v, 0.5, height - 0.5)


def _nearest(xp: Namespace, masks: Array, u: Array, v: Array) -> Array:
    n, height, width = xp.shape(masks)
    first = xp.arange(n, dtype="int32")[:, None, None] * (height * width)
    addresses = first + xp.cast(v, "int32") * width + xp.cast(u, "int32")
    return xp.take(xp.reshape(masks, (-1,)), addresses, axis=0)
