"""Which cell of YOLO's grid answers for which object (Redmon et al. 2016, section 2)."""

from typing import Any

from kerascnn.tasks.boxes import CROWD, Row


def grid_encoded(dataset: Any, grid: tuple[int, int]) -> Any:
    """From a dataset of (images, rows of objects) to one of (images, what `encode_grid` gives)."""
    import tensorflow as tf

    return dataset.map(
        lambda images, rows: (images, encode_grid(rows, grid)), num_parallel_calls=tf.data.AUTOTUNE
    )


def encode_grid(rows: Any, grid: tuple[int, int]) -> Any:
    """The object of each cell: the first of those whose middle lies in it; crowds are none.

    Args:
        rows: `[B, objects, 9]` float32, as `kerascnn.tasks.boxes.Row`.
        grid: Rows and columns of cells.

    Returns:
        `[B, rows, columns, 5]` float32, as `kerascnn.losses.GridLoss` takes it.
    """
    import tensorflow as tf

    height, width = grid
    left, top, right, bottom, label, flag = tf.unstack(rows[..., : Row.FLAG + 1], axis=-1)
    is_object = (label >= 0) & (right > left) & (bottom > top) & (flag != CROWD)
    across = tf.clip_by_value((left + right) / 2 * width, 0, width - 1e-3)
    down = tf.clip_by_value((top + bottom) / 2 * height, 0, height - 1e-3)
    place = tf.cast(tf.floor(down) * width + tf.floor(across), tf.int32)
    belongs = tf.one_hot(place, height * width, on_value=True, off_value=False, dtype=tf.bool)
    belongs &= is_object[..., tf.newaxis]
    first = tf.argmax(tf.cast(belongs, tf.int32), axis=1)  # [B, cells]
    sides = (tf.sqrt(tf.maximum(side, 0.0)) for side in (right - left, bottom - top))
    values = (across - tf.floor(across), down - tf.floor(down), *sides, label + 1)
    own = tf.gather(tf.stack(values, axis=-1), first, batch_dims=1)
    own = tf.where(tf.reduce_any(belongs, axis=1)[..., tf.newaxis], own, 0.0)
    return tf.reshape(own, (-1, height, width, 5))
