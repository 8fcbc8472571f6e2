"""Arrays and memory maps as batches for `fit`, in an order that depends on seed and epoch only."""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

Batch = tuple[np.ndarray, ...]


class RowBatches:
    """Rows of arrays, batch by batch; with several views of the inputs, one per epoch in turns.

    Its length is the number of batches in an epoch. Iterating gives the first view in order.

    Args:
        views: Inputs, each `[n, ...]`, such as features of the images and of their mirror images.
        labels: `[n, ...]`.
        batch_size: Rows of a batch; the last may be smaller.
        seed: Decides, with the epoch, the order of the rows in `epochs`. None keeps their order.
        weights: `[n]`, of each row in the loss; batches have a third element then.
    """

    def __init__(
        self,
        views: Sequence[np.ndarray],
        labels: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        weights: np.ndarray | None = None,
    ):
        self.views, self.labels, self.weights = views, labels, weights
        self.batch_size, self.seed = batch_size, seed

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.labels), self.batch_size):
            yield self._rows(self.views[0], slice(start, start + self.batch_size))

    def epochs(self, first: int, last: int) -> keras.utils.PyDataset:
        """The batches of epochs `first` (counted from 0) to `last`, which is not among them.

        For `fit` with `steps_per_epoch=len(self)` and `shuffle=False`.
        """
        return _Epochs(self, first, last)

    def at(self, epoch: int, number: int) -> Batch:
        """One batch of an epoch."""
        rows = _order(len(self.labels), self.seed, epoch)
        # Sorted, so that a memory map is read from front to back.
        part = np.sort(rows[number * self.batch_size : (number + 1) * self.batch_size])
        return self._rows(self.views[epoch % len(self.views)], part)

    def _rows(self, view: np.ndarray, part: Any) -> Batch:
        rest = () if self.weights is None else (self.weights[part],)
        return view[part], self.labels[part], *rest


class _Epochs(keras.utils.PyDataset):
    """Without a state: Keras calls `on_epoch_end` before it has taken an epoch's last batches."""

    def __init__(self, rows: RowBatches, first: int, last: int):
        super().__init__()
        self.rows, self.first, self.last = rows, first, last

    def __len__(self) -> int:
        return (self.last - self.first) * len(self.rows)

    def __getitem__(self, number: int) -> Batch:
        epoch, number = divmod(number, len(self.rows))
        return self.rows.at(self.first + epoch, number)


def filled(images: np.ndarray, count: int) -> np.ndarray:
    """`images` with rows of zeros up to `count`."""
    rest = count - len(images)
    return np.pad(images, [(0, rest), *[(0, 0)] * (images.ndim - 1)]) if rest else images


@functools.lru_cache(maxsize=1)
def _order(count: int, seed: int | None, epoch: int) -> np.ndarray:
    """The rows of an epoch; kept for its next batch, as drawing them takes longer than a step."""
    rows = np.arange(count)
    return rows if seed is None else np.random.default_rng([seed, epoch]).permutation(rows)
