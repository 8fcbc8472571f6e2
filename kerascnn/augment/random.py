"""Random numbers as a function of (seed, image, step, number): no state, the same bits everywhere.

Each number is a hash of what it is for, so neither the order of the calls nor the number of
parallel ones matters, and any image's draws can be had again. The hash is the 32-bit finaliser of
MurmurHash3 (Austin Appleby, public domain), applied once for each word. int32 arithmetic that
wraps around is the one integer arithmetic that NumPy, TensorFlow, JAX and PyTorch share.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerascnn.augment.arrays import Array, Namespace, numpy_namespace

_GOLDEN = 0x9E3779B9  # 2**32 / golden ratio: keeps small words apart
_FIRST, _SECOND = 0x85EBCA6B, 0xC2B2AE35


def _int32(value: int) -> int:
    """A 32-bit word as the signed number of the same bits."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def _mix_number(key: int, word: int) -> int:
    """`mix` for Python integers, unsigned."""
    h = (key ^ (word * _GOLDEN + 1)) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * _FIRST) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * _SECOND) & 0xFFFFFFFF
    return h ^ (h >> 16)


def _spread(word: int) -> int:
    """A word as the int32 that is combined with a key."""
    return _int32(word * _GOLDEN + 1)


def mix(xp: Namespace, key: Array, word: Array | int) -> Array:
    """Hashes int32 words into int32 keys, elementwise."""
    spread = _spread(word) if isinstance(word, int) else word * _int32(_GOLDEN) + 1
    return _finalise(xp, xp.bitwise_xor(key, spread))


def _finalise(xp: Namespace, h: Array) -> Array:
    """The finaliser of MurmurHash3."""
    h = xp.bitwise_xor(h, _shifted(xp, h, 16)) * _int32(_FIRST)
    h = xp.bitwise_xor(h, _shifted(xp, h, 13)) * _int32(_SECOND)
    return xp.bitwise_xor(h, _shifted(xp, h, 16))


def _shifted(xp: Namespace, h: Array, bits: int) -> Array:
    """The logical right shift; int32 has the arithmetic one."""
    return xp.bitwise_and(xp.right_shift(h, bits), (1 << (32 - bits)) - 1)


def unit(xp: Namespace, key: Array) -> Array:
    """int32 keys as float32 in [0, 1): their upper 24 bits."""
    return xp.cast(_shifted(xp, key, 8), "float32") * (2.0**-24)


class Random:
    """The draws of one step for a batch of images.

    A draw is one hash: of an image's key and of a word that Python derives from the step's place
    in the pipeline and the number of the draw.

    Args:
        xp: The array library.
        key: int32 `[n]`, one per image.
        place: Where in the pipeline.
        known: Draws made already, by their words; shared by all streams of a pass.
    """

    def __init__(
        self, xp: Namespace, key: Array, place: int = 0, known: dict[int, Array] | None = None
    ):
        self.xp, self._key, self._place, self._used = xp, key, place, 0
        self._known: dict[int, Array] = {} if known is None else known

    @classmethod
    def start(cls, xp: Namespace, seed: int, index: Array, epoch: int | Array = 0) -> "Random":
        """The draws for the images numbered `index` (int32 `[n]`) in an epoch."""
        start = _int32(_mix_number(_mix_number(0, seed & 0xFFFFFFFF), seed >> 32))
        key = mix(xp, mix(xp, index * 0 + start, index), xp.cast(epoch, "int32"))
        return cls(xp, key)

    @classmethod
    def prepared(cls, xp: Namespace, key: Array, consumer: Callable[["Random"], Any]) -> "Random":
        """Random numbers for `consumer`, all hashed at once: a graph of a few operations.

        It is run twice: here for one image in NumPy, to see what it draws, then by the caller.
        """
        trial = cls(numpy_namespace(), np.zeros(1, np.int32))
        consumer(trial)
        words = list(trial._known)
        if not words:
            return cls(xp, key)
        spread = xp.convert_to_tensor(np.array([_spread(w) for w in words], np.int32))
        drawn = unit(xp, _finalise(xp, xp.bitwise_xor(key[:, None], spread[None, :])))
        return cls(xp, key, 0, {word: drawn[:, i] for i, word in enumerate(words)})

    def fold(self, number: int) -> "Random":
        """An independent stream of draws for part `number` of the step."""
        return Random(self.xp, self._key, _mix_number(self._place, ~number), self._known)

    @property
    def key(self) -> Array:
        """int32 `[n]`: the start of a stream of its own, for a pass that is compiled by itself."""
        return mix(self.xp, self._key, self._place) if self._place else self._key

    def _word(self) -> int:
        self._used += 1
        return _mix_number(self._place, self._used)

    def _unit(self) -> Array:
        word = self._word()
        if word not in self._known:
            self._known[word] = unit(self.xp, mix(self.xp, self._key, word))
        return self._known[word]

    def uniform(self, low: Any = 0.0, high: Any = 1.0) -> Array:
        """float32 `[n]` in [low, high); a new number per image at each call."""
        return self._unit() * (high - low) + low

    def integer(self, stop: int) -> Array:
        """int32 `[n]` in 0..stop-1."""
        return self.xp.cast(self.xp.floor(self.uniform() * stop), "int32")

    def chance(self, probability: float) -> Array:
        """bool `[n]`, true with the given probability."""
        return self.uniform() < probability

    def sign(self) -> Array:
        """float32 `[n]`, -1 or 1."""
        xp = self.xp
        return xp.cast(self.integer(2), "float32") * 2 - 1

    def normal(self) -> Array:
        """float32 `[n]` of the standard normal distribution."""
        return box_muller(self.xp, self._unit(), self._unit())

    def units(self, count: int) -> Array:
        """float32 `[n, count]` in [0, 1): a number per image and place, for noise and fields."""
        return unit(self.xp, self.bits(count))

    def bits(self, count: int) -> Array:
        """int32 `[n, count]`, all 32 bits random."""
        base = mix(self.xp, self._key, self._word())[:, None]
        return mix(self.xp, base, self.xp.arange(count, dtype="int32")[None, :])


def box_muller(xp: Namespace, first: Array, second: Array) -> Array:
    """Two uniform numbers in [0, 1) as one of the standard normal distribution.

    Box and Muller, "A note on the generation of random normal deviates", 1958.
    """
    radius = xp.sqrt(xp.log(1.0 - first) * -2.0)
    return radius * xp.cos(second * (2 * math.pi))
