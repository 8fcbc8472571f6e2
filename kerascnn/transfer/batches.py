"""Arrays and memory maps as batches for `fit`, in an order that depends on seed and epoch only."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


class RowBatches(keras.utils.PyDataset):
    """Rows of arrays, batch by batch; with several views of the inputs, one per epoch in turns.

    Args:
        views: Inputs, each `[n, ...]`, such as features of the images and of their mirror images.
        labels: `[n, ...]`.
        batch_size: Rows of a batch; the last may be smaller.
        seed: Decides, with the epoch, the order of the rows. None keeps their order.
        epoch: Epochs done already.
    """

    def __init__(
        self,
        views: Sequence[np.ndarray],
        labels: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
    ):
        super().__init__()
        self.views, self.labels = views, labels
        self.batch_size, self.seed, self.epoch = batch_size, seed, epoch
        self._rows = self._order()

    def _order(self) -> np.ndarray:
        rows = np.arange(len(self.labels))
        if self.seed is None:
            return rows
        return np.random.default_rng([self.seed, self.epoch]).permutation(rows)

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self.batch_size)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        # Sorted, so that a memory map is read from front to back.
        rows = np.sort(self._rows[number * self.batch_size : (number + 1) * self.batch_size])
        return self.views[self.epoch % len(self.views)][rows], self.labels[rows]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._rows = self._order()
