"""Heat maps of the middles of objects (Zhou et al. 2019, Objects as Points, arXiv:1904.07850)."""

from typing import Any

import numpy as np

from kerascnn.tasks.boxes import CROWD, Row

_OVERLAP = 0.7  # that a box keeps whose corners are off by the radius (arXiv:1808.01244)


def heat_encoded(dataset: Any, grid: tuple[int, int], classes: int) -> Any:
    """From a dataset of (images, rows of objects) to one of (images, what `encode_heat` gives)."""
    import tensorflow as tf

    return dataset.map(
        lambda images, rows: (images, encode_heat(rows, grid, classes)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def encode_heat(rows: Any, grid: tuple[int, int], classes: int) -> Any:
    """What each cell is to say.

    The cell of an object's middle is 1 in the map of its class, the cells around it fall off by a
    Gaussian whose radius is that within which a box would still overlap the object by 0.7, cut to
    whole cells as in the paper's code; of several objects the larger value counts. The box of a
    cell is that of the first object whose middle it holds. Crowds are no objects.

    Args:
        rows: `[B, objects, 9]` float32, as `kerascnn.tasks.boxes.Row`.
        grid: Rows and columns of the map.
        classes: How many there are.

    Returns:
        `[B, rows * columns, 5 + classes]` float32: the top, left, bottom and right edge of the
        object of each cell, 1 for a cell that holds the middle of one, and the heat of each class.
    """
    import tensorflow as tf

    height, width = grid
    left, top, right, bottom, label, flag = tf.unstack(rows[..., : Row.FLAG + 1], axis=-1)
    is_object = (label >= 0) & (right > left) & (bottom > top) & (flag != CROWD)
    row = tf.floor(tf.clip_by_value((top + bottom) / 2 * height, 0, height - 1e-3))
    column = tf.floor(tf.clip_by_value((left + right) / 2 * width, 0, width - 1e-3))
    radius = tf.floor(gaussian_radius((bottom - top) * height, (right - left) * width))
    places = np.moveaxis(np.mgrid[:height, :width], 0, -1).reshape(-1, 2).astype(np.float32)
    away = [
        tf.abs(places[:, axis] - own[..., tf.newaxis]) for axis, own in enumerate((row, column))
    ]  # [B, objects, cells] each
    radius = tf.maximum(radius, 0.0)[..., tf.newaxis]
    near = (away[0] <= radius) & (away[1] <= radius) & is_object[..., tf.newaxis]
    sigma = (2 * radius + 1) / 6
    heat = tf.exp(-(away[0] ** 2 + away[1] ** 2) / (2 * sigma**2))
    heat = tf.where(near, heat, 0.0)
    maps = [
        tf.reduce_max(tf.where((label == one)[..., tf.newaxis], heat, 0.0), axis=1)
        for one in range(classes)
    ]
    holds = near & (away[0] == 0) & (away[1] == 0)
    first = tf.argmax(tf.cast(holds, tf.int32), axis=1)
    edges = tf.gather(tf.stack((top, left, bottom, right), axis=-1), first, batch_dims=1)
    found = tf.cast(tf.reduce_any(holds, axis=1), tf.float32)[..., tf.newaxis]
    return tf.concat([edges * found, found, tf.stack(maps, axis=-1)], axis=-1)


def gaussian_radius(height: Any, width: Any) -> Any:
    """How far the corners of boxes of these sides may be off for an overlap of 0.7.

    The least of three cases: both corners inside, both outside, and one of each
    (arXiv:1808.01244, section 3.2, whose code this follows in its roots).
    """
    import tensorflow as tf

    total, area = height + width, height * width
    one_each = total**2 - 4 * area * (1 - _OVERLAP) / (1 + _OVERLAP)
    inside = 4 * total**2 - 16 * area * (1 - _OVERLAP)
    outside = 4 * _OVERLAP**2 * total**2 + 16 * _OVERLAP * area * (1 - _OVERLAP)
    radii = (
        (total - tf.sqrt(tf.maximum(one_each, 0.0))) / 2,
        (2 * total - tf.sqrt(tf.maximum(inside, 0.0))) / 8,
        (-2 * _OVERLAP * total + tf.sqrt(outside)) / (8 * _OVERLAP),
    )
    return tf.minimum(tf.minimum(radii[0], radii[1]), radii[2])
