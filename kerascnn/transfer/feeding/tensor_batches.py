"""Batches of a `tf.data.Dataset`, checked where they are made: in parallel, beside the training."""

from collections.abc import Callable, Sequence
from typing import Any

from kerascnn.inputs.targets import Targets
from kerascnn.transfer.feeding.forms import parts_of


def checked_dataset(
    dataset: Any,
    targets: Targets,
    look: Callable[..., Any],
    shapes: Sequence[tuple[int, ...]] | None,
    *,
    weighted: bool = False,
) -> Any:
    """The dataset as (images, labels[, weights]) with every batch looked at.

    Args:
        dataset: Batches of (images, labels) or (images, labels, weights).
        targets: Arranges the labels.
        look: Takes arrays: the number of the batch in its pass, the shape of the images, whether
            each of them is finite, the labels and perhaps the weights. Returns the weights; raises
            to stop the pass.
        shapes: Of what a batch holds, without the batch, where the dataset does not know its rank.
        weighted: Whether batches get the weights that `look` returns though they had none.

    Returns:
        A dataset of the same cardinality.
    """
    import tensorflow as tf

    def known(number: int, tensor: Any) -> Any:
        if tensor.shape.rank is None and shapes is not None:
            return tf.ensure_shape(tensor, (None, *(None for _ in shapes[number])))
        return tensor

    @tf.autograph.experimental.do_not_convert
    def check(number: Any, batch: Any) -> tuple[Any, ...]:
        parts = enumerate(parts_of(batch, "a batch"))
        images, labels, *weights = (known(*part) for part in parts)
        count = tf.shape(images)[0]
        if images.dtype.is_floating:
            finite = tf.math.is_finite(tf.reshape(images, (count, -1)))
            finite = tf.reduce_all(finite, axis=1)
        else:
            finite = tf.ones((count,), tf.bool)
        seen = [number, tf.shape(images), finite, labels, *weights]
        found = tf.numpy_function(look, seen, tf.float32)
        found = tf.ensure_shape(found, (None,))
        with tf.control_dependencies([found]):
            images = tf.identity(images)
        return images, targets.arranged(labels), *((found,) if weights or weighted else ())

    checked = dataset.enumerate().map(
        check, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return checked.prefetch(tf.data.AUTOTUNE)
