"""From stored pixels to `tf.data`."""

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerascnn.data.stores import ArrayStore, FileStore, PixelStore
from kerascnn.errors import DataError


class DatasetBuilder:
    """Builds the `tf.data.Dataset` of each split over one store of pixels.

    The images are in one tensor that shares its memory with the store, so that a batch costs one
    gather: no work for each element, no second copy of the data.
    """

    def __init__(self, store: PixelStore, labels: np.ndarray, image_shape: tuple[int, int, int]):
        import tensorflow as tf

        self._store = store
        self._image_shape = image_shape
        # On the CPU, also where there is a GPU: batches are gathered beside the training step.
        with tf.device("CPU"):
            self._labels = tf.convert_to_tensor(labels)
            self._images = None
            if isinstance(store, ArrayStore) and store.in_memory:
                self._images = tf.convert_to_tensor(store.images)

    def build(
        self, rows: np.ndarray, batch_size: int, *, seed: int | None = None, first_epoch: int = 0
    ) -> Any:
        """Returns a dataset of (uint8 `[B, H, W, C]`, labels `[B, ...]`) over `rows`.

        Args:
            rows: which images, in the order in which they come without shuffling.
            batch_size: the last batch may be smaller.
            seed: None keeps the order; a number shuffles anew in each epoch, in an order that
                depends on the seed and the epoch only (not on TensorFlow's global seed).
            first_epoch: which epoch the first pass over the dataset is.
        """
        import tensorflow as tf

        rows = rows.astype(np.int64)
        dataset = self._order(rows, seed, first_epoch)
        if isinstance(self._store, FileStore):
            # One element, one file, so that all processors decode at once.
            dataset = dataset.map(
                self._one_by(self._store.read_one), num_parallel_calls=tf.data.AUTOTUNE
            )
            dataset = dataset.batch(batch_size)
        else:
            dataset = dataset.batch(batch_size)
            dataset = dataset.map(self._gather, num_parallel_calls=tf.data.AUTOTUNE)
        return dataset.prefetch(tf.data.AUTOTUNE)

    def _order(self, rows: np.ndarray, seed: int | None, first_epoch: int) -> Any:
        import tensorflow as tf

        if seed is None:
            return tf.data.Dataset.from_tensor_slices(rows)
        epochs = itertools.count(first_epoch)

        def shuffled() -> np.ndarray:
            return np.random.default_rng([seed, next(epochs)]).permutation(rows)

        def draw(_: Any) -> Any:
            order = tf.numpy_function(shuffled, [], tf.int64, stateful=True)
            return tf.ensure_shape(order, [len(rows)])

        dataset = tf.data.Dataset.range(1).map(draw).flat_map(tf.data.Dataset.from_tensor_slices)
        return dataset.apply(tf.data.experimental.assert_cardinality(len(rows)))

    def _gather(self, rows: Any) -> Any:
        import tensorflow as tf

        if self._images is not None:
            images = tf.gather(self._images, rows)
        else:
            images = tf.numpy_function(self._store.read, [rows], tf.uint8, stateful=False)
            images = tf.ensure_shape(images, [None, *self._image_shape])
        return images, tf.gather(self._labels, rows)

    def _one_by(self, read_one: Callable[[int], np.ndarray]) -> Callable[[Any], Any]:
        import tensorflow as tf

        def read(row: Any) -> Any:
            image = tf.numpy_function(read_one, [row], tf.uint8, stateful=False)
            return tf.ensure_shape(image, self._image_shape), tf.gather(self._labels, row)

        return read


def one_hot(dataset: Any, classes: int) -> Any:
    """Turns the integer labels of a dataset into float32 rows of `classes` zeros and one one."""
    import tensorflow as tf

    return dataset.map(
        lambda images, labels: (images, tf.one_hot(labels, classes)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turns TensorFlow's account of a file that vanished while training into our own DataError."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        told = re.search(r"DataError: (.*)", str(error))
        if told is None:
            raise
        raise DataError(told.group(1).strip()) from error
