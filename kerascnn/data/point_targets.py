"""Which point of a detector is to find which object, decided before training by place and size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.tasks.boxes import CROWD, Row

# The middle of a cell is a point of an object if it is this near to the object's middle, in cells.
RADIUS = 1.5
# The sides (square roots of areas, in cells) of the objects that a level finds; the first level
# finds smaller ones too, the last larger ones. They overlap: most objects have two levels.
SIDES = (2.5, 8.0)
# Of the picture's side: what is left of an object after a crop teaches nothing below that.
LEAST_SIDE = 0.02


def encoded(dataset: Any, grids: Sequence[tuple[int, int]], radius: float = RADIUS) -> Any:
    """From a dataset of (images, rows of objects) to one of (images, what `encode` gives)."""
    import tensorflow as tf

    return dataset.map(
        lambda images, rows: (images, encode(rows, grids, radius)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def with_boxes(dataset: Any) -> Any:
    """A dataset of (images, rows) as augmentation takes it: boxes in pixels, beside the rows."""
    edges = _edges(dataset.element_spec[0])

    def prepare(images: Any, rows: Any) -> dict[str, Any]:
        return {"images": images, "boxes": rows[..., : Row.BOTTOM + 1] * edges, "rows": rows}

    return dataset.map(prepare)


def with_rows(dataset: Any) -> Any:
    """(images, rows) again. Slivers that a crop left of an object count for nothing."""
    import tensorflow as tf

    edges = _edges(dataset.element_spec["images"])

    def restore(element: dict[str, Any]) -> tuple[Any, Any]:
        boxes, rows = element["boxes"] / edges, element["rows"]
        before = rows[..., Row.RIGHT : Row.BOTTOM + 1] - rows[..., Row.LEFT : Row.TOP + 1]
        after = boxes[..., Row.RIGHT : Row.BOTTOM + 1] - boxes[..., Row.LEFT : Row.TOP + 1]
        sliver = tf.reduce_any(after < tf.minimum(before, LEAST_SIDE), axis=-1)
        flag = tf.where(sliver, float(CROWD), rows[..., Row.FLAG])
        parts = [boxes, rows[..., Row.LABEL : Row.FLAG], flag[..., tf.newaxis]]
        return element["images"], tf.concat([*parts, rows[..., Row.AREA :]], axis=-1)

    return dataset.map(restore, num_parallel_calls=tf.data.AUTOTUNE)


def _edges(images: Any) -> np.ndarray:
    height, width = images.shape[1:3]
    return np.array([width, height, width, height], np.float32)


def encode(rows: Any, grids: Sequence[tuple[int, int]], radius: float = RADIUS) -> Any:
    """What each point is to say.

    A point belongs to an object of a size that suits its level if it lies within it and at most
    `radius` cells from its middle in both directions, or in the very cell of its middle. Of several
    objects the smallest takes it. Points in crowds that belong to no object count for nothing.

    Args:
        rows: `[B, objects, 9]` float32, as `kerascnn.tasks.boxes.Row`.
        grids: (rows, columns) of points of each level, the finest first.
        radius: In cells; with 0.5 only the cell of its middle belongs to an object.

    Returns:
        `[B, points, 5]` float32, as `kerascnn.losses.DetectionLoss` takes it.
    """
    import tensorflow as tf

    points, cells, least, most = _points(grids)
    left, top, right, bottom, label, flag = (
        rows[..., tf.newaxis, place] for place in range(Row.FLAG + 1)
    )  # [B, objects, 1]
    is_box = (label >= 0) & (right > left) & (bottom > top)
    is_object = is_box & (flag != CROWD)
    across, down = points[:, 1], points[:, 0]
    inside = (across > left) & (across < right) & (down > top) & (down < bottom)
    away = tf.maximum(
        tf.abs(across - (left + right) / 2) / cells[:, 1],
        tf.abs(down - (top + bottom) / 2) / cells[:, 0],
    )
    area = (right - left) * (bottom - top)
    side = tf.sqrt(tf.maximum(area, 0.0) / (cells[:, 0] * cells[:, 1]))
    belongs = is_object & (side >= least) & (side < most)
    belongs &= (inside & (away <= radius)) | (away <= 0.5)
    size = tf.where(belongs, tf.broadcast_to(area, tf.shape(belongs)), np.inf)
    chosen = tf.argmin(size, axis=1)  # [B, points]
    found = tf.reduce_any(belongs, axis=1)
    in_crowd = tf.reduce_any(is_box & (flag == CROWD) & inside, axis=1)
    edges = tf.gather(rows, [Row.TOP, Row.LEFT, Row.BOTTOM, Row.RIGHT, Row.LABEL], axis=-1)
    own = tf.gather(edges, chosen, batch_dims=1)
    classes = tf.where(found, own[..., 4] + 1, tf.where(in_crowd, -1.0, 0.0))
    return tf.concat([own[..., :4], classes[..., tf.newaxis]], axis=-1)


def _points(grids: Sequence[tuple[int, int]]) -> tuple[np.ndarray, ...]:
    """Of all points the place (down, across), the cell's size, and the least and largest side."""
    places, cells, least, most = [], [], [], []
    for level, (height, width) in enumerate(grids):
        down, across = np.mgrid[:height, :width].reshape(2, -1) + 0.5
        places.append(np.stack([down / height, across / width], axis=-1))
        cells.append(np.full((height * width, 2), (1 / height, 1 / width)))
        least.append(np.full(height * width, SIDES[0] if level else 0.0))
        last = level == len(grids) - 1
        most.append(np.full(height * width, np.inf if last else SIDES[1]))
    return tuple(np.concatenate(part).astype(np.float32) for part in (places, cells, least, most))
