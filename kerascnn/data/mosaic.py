"""Mosaic: four pictures of a batch as one, for detectors (arXiv:2004.10934, section 3.4)."""

import itertools
from typing import Any

import numpy as np

from kerascnn.tasks.boxes import CROWD, Row

# Of an object's area: what is left of it at the edge of a mosaic teaches nothing below that.
LEAST_AREA = 0.25


def with_mosaics(dataset: Any, rate: float, seed: int, first_epoch: int = 0) -> Any:
    """A dataset of (images, rows) in which a share of the pictures are mosaics.

    Args:
        dataset: Batches of images `[B, H, W, C]` and rows of objects `[B, objects, 9]`.
        rate: The share of mosaics, 0..1.
        seed: Of all draws, which depend on it, the epoch and the place in the epoch only.
        first_epoch: Which epoch the first pass over the result is.

    Returns:
        The same with rows `[B, 4 objects, 9]`.
    """
    import tensorflow as tf

    epochs = itertools.count(first_epoch)

    def next_epoch(_: Any) -> Any:
        epoch = tf.numpy_function(lambda: np.int32(next(epochs)), [], tf.int32, stateful=True)
        return tf.ensure_shape(epoch, [])

    def numbered(epoch: Any) -> Any:
        return dataset.enumerate().map(lambda place, batch: (epoch, place, *batch))

    def mixed(epoch: Any, place: Any, images: Any, rows: Any) -> tuple[Any, Any]:
        key = tf.stack([seed % 2**31, epoch * 1_000_003 + tf.cast(place, tf.int32)])
        return mosaics(images, rows, rate, key)

    found = tf.data.Dataset.range(1).map(next_epoch).flat_map(numbered)
    length = dataset.cardinality()
    if length != tf.data.UNKNOWN_CARDINALITY:
        found = found.apply(tf.data.experimental.assert_cardinality(length))
    return found.map(mixed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def mosaics(images: Any, rows: Any, rate: float, key: Any) -> tuple[Any, Any]:
    """A batch in which a share of the pictures are mosaics.

    Each picture and the three before it in the batch are laid out two by two, and a window of one
    to two times the picture's side is cut out and brought to its size. What a window leaves of an
    object below a quarter of its area counts for nothing.

    Args:
        images: `[B, H, W, C]`.
        rows: `[B, objects, 9]` float32, as `kerascnn.tasks.boxes.Row`.
        rate: The share of mosaics, 0..1.
        key: int32 `[2]`: the seed of the draws.

    Returns:
        Images of the same type, and rows `[B, 4 objects, 9]`.
    """
    import tensorflow as tf

    count, size = tf.shape(images)[0], images.shape[1:3]
    chance, side, down, across = tf.unstack(tf.random.stateless_uniform((4, count), key))
    side = (1.0 + side) / 2  # of the layout of two by two
    top, left = down * (1 - side), across * (1 - side)
    window = tf.stack([top, left, top + side, left + side], axis=-1)
    parts = [tf.roll(images, shift, axis=0) for shift in range(4)]
    halves = [tf.concat(parts[place : place + 2], axis=2) for place in (0, 2)]
    layout = tf.cast(tf.concat(halves, axis=1), tf.float32)
    # Its window is between the middles of the first and the last pixel.
    corners = window * _pixels(size) - tf.constant([0.5, 0.5, 0.5, 0.5])
    corners /= _pixels(size) - 1
    cut = tf.image.crop_and_resize(layout, corners, tf.range(count), size)
    cut = tf.cast(tf.clip_by_value(tf.round(cut), 0, 255), images.dtype)
    moved = [_moved(tf.roll(rows, place, axis=0), place, window) for place in range(4)]
    alone = tf.concat([rows, *[_without(rows)] * 3], axis=1)
    is_mosaic = chance < rate
    return (
        tf.where(is_mosaic[:, tf.newaxis, tf.newaxis, tf.newaxis], cut, images),
        tf.where(is_mosaic[:, tf.newaxis, tf.newaxis], tf.concat(moved, axis=1), alone),
    )


def _pixels(size: tuple[int, int]) -> Any:
    import tensorflow as tf

    height, width = size
    return tf.constant([2 * height, 2 * width, 2 * height, 2 * width], tf.float32)


def _moved(rows: Any, place: int, window: Any) -> Any:
    """Rows of the picture at a place of the layout, as they are in the window."""
    import tensorflow as tf

    down, across = divmod(place, 2)
    start = tf.constant([across, down] * 2, tf.float32)
    edges = (rows[..., : Row.BOTTOM + 1] + start) / 2
    corner = tf.gather(window, [1, 0, 1, 0], axis=-1)[:, tf.newaxis]
    side = (window[:, 2] - window[:, 0])[:, tf.newaxis, tf.newaxis]
    whole = (edges - corner) / side
    kept = tf.clip_by_value(whole, 0.0, 1.0)
    left = _area(kept) < LEAST_AREA * _area(whole)
    flag = tf.where(left, float(CROWD), rows[..., Row.FLAG])
    gone = _area(kept) <= 0
    label = tf.where(gone, -1.0, rows[..., Row.LABEL])
    parts = [kept, label[..., tf.newaxis], flag[..., tf.newaxis], rows[..., Row.AREA :]]
    return tf.concat(parts, axis=-1)


def _without(rows: Any) -> Any:
    """Rows that hold no object."""
    import tensorflow as tf

    empty = tf.zeros_like(rows)
    return tf.concat([empty[..., : Row.LABEL], empty[..., :1] - 1, empty[..., Row.FLAG :]], axis=-1)


def _area(boxes: Any) -> Any:
    import tensorflow as tf

    sides = tf.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]
