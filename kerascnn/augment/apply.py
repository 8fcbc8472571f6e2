"""Carries out a plan on a batch of packed images."""

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kerascnn.augment import kernels, parameters, warp
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.kernels import run
from kerascnn.augment.plan import Group
from kerascnn.augment.random import Random
from kerascnn.augment.step import Geometric, Local, Part, Size
from kerascnn.augment.steps.geometric import inverse
from kerascnn.augment.subset import Subset
from kerascnn.errors import InputError


@dataclass(frozen=True)
class Batch:
    """Images and what follows their geometry.

    Attributes:
        packed: int32 `[n, H, W]`.
        channels: 1 or 3.
        masks: Any numbers `[n, H, W]`, or None.
        boxes: float32 `[n, k, 4]` (left, top, right, bottom) in pixels, or None.
    """

    packed: Array
    channels: int
    masks: Array | None = None
    boxes: Array | None = None

    @property
    def size(self) -> Size:
        """(height, width)."""
        return self.packed.shape[1], self.packed.shape[2]


def apply(
    xp: Namespace,
    plan: tuple[Group, ...],
    key: Array,
    batch: Batch,
    *,
    fill: int,
    mask_fill: int,
) -> Batch:
    """Returns the batch after all groups.

    Args:
        key: int32 `[n]`, of the images' draws.
        fill: Packed colour of what lies outside the images.
        mask_fill: The same for masks.
    """
    pending: list[tuple[str, Array]] = []  # tables and matrices not applied yet

    def flush(batch: Batch) -> Batch:
        if not pending:
            return batch
        kinds = tuple(kind for kind, _ in pending)
        values = [value for _, value in pending]
        pending.clear()
        recolored = run(
            xp, kernels.recolor, batch.packed, *values, kinds=kinds, channels=batch.channels
        )
        return replace(batch, packed=recolored)

    for group in plan:
        if group.kind in ("warp", "local") or group.measures:
            batch = flush(batch)
        if group.kind == "warp":
            batch = _warp(xp, group.parts, key, batch, fill, mask_fill)
        elif group.kind == "local":
            batch = _local(xp, group.parts[0], key, batch)
        elif group.kind == "table":
            measured = _measure(xp, group, key, batch)
            names = tuple(measured)
            found = tuple(measured[name] for name in names)
            table = run(
                xp,
                parameters.tables,
                key,
                *found,
                names=names,
                parts=group.parts,
                channels=batch.channels,
            )
            pending.append(("table", table))
        elif batch.channels == 3:
            pending.append(("matrix", run(xp, parameters.matrices, key, parts=group.parts)))
    return flush(batch)


def _warp(
    xp: Namespace, parts: tuple[Part, ...], key: Array, batch: Batch, fill: int, mask_fill: int
) -> Batch:
    size = target = batch.size
    steps = [part.step for part in parts if isinstance(part.step, Geometric)]
    for step in steps:
        target = step.output_size(target)
    m = run(xp, parameters.warp_matrices, key, parts=parts, size=size)
    perspective = any(step.perspective for step in steps)
    packed = batch.packed
    if all(step.axis_aligned for step in steps):
        upper, weight = run(xp, warp.lines, m, axis=1, source=size[0], target=target[0])
        packed = run(xp, warp.resample_rows, packed, upper, weight, fill=fill)
        left, weight = run(xp, warp.lines, m, axis=0, source=size[1], target=target[1])
        addresses = run(xp, warp.columns, left, size=(target[0], size[1]))
        packed = run(xp, warp.resample_columns, packed, addresses, weight, fill=fill)
    else:
        addresses, weights = run(
            xp, warp.locate, m, source=size, target=target, perspective=perspective
        )
        packed = run(xp, warp.interpolate, packed, addresses, weights, fill=fill)
    masks, boxes = batch.masks, batch.boxes
    if masks is not None:
        masks = run(
            xp, warp.nearest, masks, m, target=target, perspective=perspective, fill=mask_fill
        )
    if boxes is not None:
        boxes = move_boxes(xp, boxes, m, target)
    return Batch(packed, batch.channels, masks, boxes)


def move_boxes(xp: Namespace, boxes: Array, matrices: Array, size: Size) -> Array:
    """The upright boxes around the moved corners, cut to the image; empty ones have no area."""
    forward = inverse(xp, matrices)
    m = [[forward[:, i, j][:, None, None] for j in range(3)] for i in range(3)]
    x = xp.stack([boxes[..., i] for i in (0, 2, 0, 2)], axis=-1)
    y = xp.stack([boxes[..., i] for i in (1, 1, 3, 3)], axis=-1)
    w = m[2][0] * x + m[2][1] * y + m[2][2]
    u = xp.clip((m[0][0] * x + m[0][1] * y + m[0][2]) / w, 0.0, float(size[1]))
    v = xp.clip((m[1][0] * x + m[1][1] * y + m[1][2]) / w, 0.0, float(size[0]))
    sides = (xp.amin(u, axis=-1), xp.amin(v, axis=-1), xp.amax(u, axis=-1), xp.amax(v, axis=-1))
    return xp.stack(sides, axis=-1)


def _measure(xp: Namespace, group: Group, key: Array, batch: Batch) -> dict[str, Any]:
    """What the tables of a group need to know about the images that they act on."""
    kinds: dict[str, Callable[..., Any]] = {
        "mean": functools.partial(run, xp, kernels.mean_grey),
        "range": functools.partial(run, xp, kernels.darkest_and_brightest),
        "histogram": functools.partial(kernels.histograms, xp),
    }
    found: dict[str, Any] = {}
    random = Random(xp, key)
    for kind in sorted(group.measures):
        masks = [p.mask(random) for p in group.parts if getattr(p.step, "measures", "") == kind]
        everywhere = any(mask is None for mask in masks)
        subset = Subset(xp, None if everywhere else functools.reduce(operator.or_, masks))
        measure = functools.partial(kinds[kind], channels=batch.channels)
        found[kind] = subset.spread(measure, batch.packed)
    return found


def _local(xp: Namespace, part: Part, key: Array, batch: Batch) -> Batch:
    step, masks = part.step, batch.masks
    if not isinstance(step, Local):
        raise InputError(f"not a local step: {step!r}")
    if batch.boxes is not None and step.moves:
        raise InputError(f"{step!r} moves pixels in a way that boxes cannot follow. Leave it out.")
    subset = Subset(xp, part.mask(Random(xp, key)))
    random = part.stream(Random(xp, subset.take(key)))
    if masks is None or not step.moves:
        changed = step.apply(random, subset.take(batch.packed), batch.channels)
    else:
        changed, moved = step.apply_with_masks(
            random, subset.take(batch.packed), batch.channels, subset.take(masks)
        )
        masks = subset.put(moved, masks)
    return replace(batch, packed=subset.put(changed, batch.packed), masks=masks)
