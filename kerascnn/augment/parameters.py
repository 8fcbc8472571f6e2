"""The parameters of a group: one matrix or table per image, from all of its parts."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.random import Random
from kerascnn.augment.step import Color, Geometric, Part, Size, Tone
from kerascnn.errors import InputError


def stages(parts: tuple[Part, ...]) -> list[list[Part]]:
    """The parts in as few steps as possible, such that no image gets two parts of one stage.

    Of a policy's operations, each image gets one or two: that many stages need to be computed one
    after another, and to be compiled, instead of one for each operation.
    """
    found: list[list[Part]] = []
    for part in parts:
        place = len(found)
        while place and all(part.excludes(other) for other in found[place - 1]):
            place -= 1
        if place == len(found):
            found.append([])
        found[place].append(part)
    return found


def _chosen(
    xp: Namespace, stage: list[Part], random: Random, value: Callable[[Part], Array], other: Array
) -> Array:
    """`value` of the part of a stage that acts on each image, `other` where none does."""
    for part in stage:
        mask, found = part.mask(random), value(part)
        if mask is not None:
            mask = xp.reshape(mask, (-1, *(1,) * (len(found.shape) - 1)))
            found = xp.where(mask, found, other)
        other = found
    return other


def warp_matrices(xp: Namespace, key: Array, *, parts: tuple[Part, ...], size: Size) -> Array:
    """One matrix per image, from the coordinates of the last output to those of the input."""
    consumer = functools.partial(_warp_matrices, parts=parts, size=size)
    return consumer(Random.prepared(xp, key, consumer))


def _warp_matrices(random: Random, *, parts: tuple[Part, ...], size: Size) -> Array:
    xp, total = random.xp, None
    for stage in stages(parts):

        def matrix(part: Part, size: Size = size) -> Array:
            if not isinstance(part.step, Geometric):
                raise InputError(f"not a geometric step: {part.step!r}")
            if part.guards and part.step.output_size(size) != size:
                raise InputError(
                    f"{part.step!r} changes the size of {size[0]}x{size[1]} images and cannot act "
                    "on some of them only. Take it out of the RandomApply or RandomChoice."
                )
            return part.step.matrices(part.stream(random), size)

        matrices = _chosen(xp, stage, random, matrix, _identity(xp, 3))
        total = matrices if total is None else xp.matmul(total, matrices)
        size = stage[0].step.output_size(size)
    return total


def _identity(xp: Namespace, columns: int) -> Array:
    """float32 `[1, 3, columns]`: 1 on the diagonal."""
    entries = [[float(i == j) for j in range(columns)] for i in range(3)]
    return xp.convert_to_tensor(entries, dtype="float32")[None]


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
    total = identity = xp.broadcast_to(xp.arange(256, dtype="int32")[None, None, :], shape)
    first = xp.reshape(xp.arange(n * channels, dtype="int32") * 256, (n, channels, 1))

    def table(part: Part) -> Array:
        if not isinstance(part.step, Tone):
            raise InputError(f"not a tone step: {part.step!r}")
        found = part.step.tables(part.stream(random), known.get(part.step.measures))
        return xp.broadcast_to(kernels.to_bytes(xp, found), shape)

    for number, stage in enumerate(stages(parts)):
        found = _chosen(xp, stage, random, table, identity)
        flat = xp.reshape(found, (-1,))
        total = xp.take(flat, total + first, axis=0) if number else found
    return total


def matrices(xp: Namespace, key: Array, *, parts: tuple[Part, ...]) -> Array:
    """One colour matrix per image, float32 `[n, 3, 4]`: clipped once, after the last part."""
    consumer = functools.partial(_matrices, parts=parts)
    return consumer(Random.prepared(xp, key, consumer))


def _matrices(random: Random, *, parts: tuple[Part, ...]) -> Array:
    xp, total = random.xp, None

    def matrix(part: Part) -> Array:
        if not isinstance(part.step, Color):
            raise InputError(f"not a colour step: {part.step!r}")
        return part.step.matrices(part.stream(random))

    for stage in stages(parts):
        found = _chosen(xp, stage, random, matrix, _identity(xp, 4))
        if total is None:
            total = found
        else:
            linear = xp.matmul(found[:, :, :3], total)
            shift = linear[:, :, 3:] + found[:, :, 3:]
            total = xp.concatenate([linear[:, :, :3], shift], axis=-1)
    return total
