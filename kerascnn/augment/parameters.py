"""The parameters of a group: one matrix or table per image, from all of its parts."""

import functools
from typing import Any

import numpy as np

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.random import Random
from kerascnn.augment.step import Color, Geometric, Part, Size, Tone
from kerascnn.errors import InputError


def _masked(xp: Namespace, part: Part, random: Random, value: Array, other: Array) -> Array:
    """`value` for the images the part acts on, `other` for the rest."""
    mask = part.mask(random)
    if mask is None:
        return value
    return xp.where(xp.reshape(mask, (-1, *(1,) * (len(value.shape) - 1))), value, other)


def warp_matrices(xp: Namespace, key: Array, *, parts: tuple[Part, ...], size: Size) -> Array:
    """One matrix per image, from the coordinates of the last output to those of the input."""
    consumer = functools.partial(_warp_matrices, parts=parts, size=size)
    return consumer(Random.prepared(xp, key, consumer))


def _warp_matrices(random: Random, *, parts: tuple[Part, ...], size: Size) -> Array:
    xp, total = random.xp, None
    for part in parts:
        step = part.step
        if not isinstance(step, Geometric):
            raise InputError(f"not a geometric step: {step!r}")
        matrix = step.matrices(part.stream(random), size)
        if part.guards:
            if step.output_size(size) != size:
                raise InputError(
                    f"{step!r} changes the size of {size[0]}x{size[1]} images and cannot act on "
                    "some of them only. Take it out of the RandomApply or RandomChoice."
                )
            matrix = _masked(xp, part, random, matrix, _eye(xp))
        total = matrix if total is None else xp.matmul(total, matrix)
        size = step.output_size(size)
    return total


def _eye(xp: Namespace) -> Array:
    one = [[float(i == j) for j in range(3)] for i in range(3)]
    return xp.convert_to_tensor(one, dtype="float32")[None]


def tables(
    xp: Namespace,
    key: Array,
    *measured: Any,
    names: tuple[str, ...],
    parts: tuple[Part, ...],
    channels: int,
) -> Array:
    """One table per image and channel, int32 `[n, channels, 256]`: all parts, one after another."""
    blank = np.zeros((1, channels), np.int32)
    trial = {
        "mean": np.zeros(1, np.float32),
        "range": (blank, blank),
        "histogram": np.zeros((1, channels, 256), np.int32),
    }
    consumer = functools.partial(_tables, parts=parts, channels=channels)
    random = Random.prepared(xp, key, functools.partial(consumer, n=1, known=trial))
    known = dict(zip(names, measured, strict=True))
    return consumer(random, n=xp.shape(key)[0], known=known)


def _tables(
    random: Random, *, n: Any, known: dict[str, Any], parts: tuple[Part, ...], channels: int
) -> Array:
    xp = random.xp
    shape = (n, channels, 256)
    total = xp.broadcast_to(xp.arange(256, dtype="int32")[None, None, :], shape)
    first = xp.reshape(xp.arange(n * channels, dtype="int32") * 256, (n, channels, 1))
    for part in parts:
        if not isinstance(part.step, Tone):
            raise InputError(f"not a tone step: {part.step!r}")
        table = part.step.tables(part.stream(random), known.get(part.step.measures))
        table = xp.broadcast_to(kernels.to_bytes(xp, table), shape)
        result = xp.take(xp.reshape(table, (-1,)), total + first, axis=0)
        total = _masked(xp, part, random, result, total)
    return total


def matrices(xp: Namespace, key: Array, *, parts: tuple[Part, ...]) -> Array:
    """One colour matrix per image, float32 `[n, 3, 4]`: clipped once, after the last part."""
    consumer = functools.partial(_matrices, parts=parts)
    return consumer(Random.prepared(xp, key, consumer))


def _matrices(random: Random, *, parts: tuple[Part, ...]) -> Array:
    xp, total = random.xp, None
    identity = xp.convert_to_tensor(
        [[float(i == j) for j in range(4)] for i in range(3)], "float32"
    )
    for part in parts:
        if not isinstance(part.step, Color):
            raise InputError(f"not a colour step: {part.step!r}")
        matrix = part.step.matrices(part.stream(random))
        matrix = _masked(xp, part, random, matrix, identity[None])
        if total is None:
            total = matrix
        else:
            linear = xp.matmul(matrix[:, :, :3], total)
            shift = linear[:, :, 3:] + matrix[:, :, 3:]
            total = xp.concatenate([linear[:, :, :3], shift], axis=-1)
    return total
