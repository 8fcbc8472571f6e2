"""What `fit` takes of a source: in training epoch after epoch, in validation one pass each time."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras

from kerascnn.errors import BatchError
from kerascnn.inputs.arrays import is_dataset, length_of, one_pass
from kerascnn.transfer.feeding.batches import Batch, RowBatches
from kerascnn.transfer.feeding.sources import Source


def training_data(source: Source, first: int, last: int) -> tuple[Any, dict[str, Any]]:
    """What `fit` takes for epochs `first` (from 0) to `last`, and options for it."""
    steps = source.steps
    options = {"steps_per_epoch": steps}
    if source.rows is not None:
        rows = source.rows
        weights = source.weighted(rows.labels, rows.weights)
        rows = RowBatches(rows.views, rows.labels, rows.batch_size, rows.seed, weights)
        if steps == len(rows):
            return rows.epochs(first, last), options
        order = (divmod(number, len(rows)) for number in itertools.count())
        return (rows.at(*place) for place in order), options
    data = source.given
    if is_dataset(data):
        batches = source.tensors(weighted=source.class_weight is not None)
        # Starting a dataset anew takes tenths of a second: one iterator for all epochs.
        return batches if source.endless else batches.repeat(), options
    if isinstance(data, keras.utils.PyDataset) and steps == length_of(data):
        return _Indexed(source), {}
    return _forever(source), options


def validation_data(source: Source) -> Any:
    """What `fit` takes as `validation_data`."""
    if source.rows is not None:
        return source.rows.epochs(0, 1)
    if is_dataset(source.given):
        return source.tensors()
    if isinstance(source.given, keras.utils.PyDataset):
        return _Indexed(source)
    return _InTurn(source, source.steps)


def _weighted(source: Source, batch: Any, number: int) -> Batch:
    """A batch as `fit` takes it: checked, weighted by class."""
    images, labels, *weights = source.taken(batch, number)
    found = source.weighted(labels, weights[0] if weights else None)
    return (images, labels) if found is None else (images, labels, found)


def _forever(source: Source) -> Iterator[Batch]:
    """Batches of one pass after the other."""
    data, once = source.given, hasattr(source.given, "__next__")
    for epoch in itertools.count():
        number = -1
        for number, batch in enumerate(one_pass(data)):
            yield _weighted(source, batch, number)
        if number < 0 or once:
            source.failure = BatchError(
                f"the {source.name} ended before the training did. Pass the function that makes "
                "the generator, without calling it."
                if epoch == 0
                else f"the {source.name} holds no batch when it is read again."
            )
            raise source.failure


class _Indexed(keras.utils.PyDataset):
    """A `PyDataset` of the user's, checked; its workers are kept."""

    def __init__(self, source: Source):
        inner = source.given
        super().__init__(inner.workers, inner.use_multiprocessing, inner.max_queue_size)
        self.inner, self.source = inner, source

    def __len__(self) -> int:
        return int(length_of(self.inner) or 0)

    def __getitem__(self, number: int) -> Batch:
        return _weighted(self.source, self.inner[number], number)

    def on_epoch_begin(self) -> None:
        if hasattr(self.inner, "on_epoch_begin"):  # since Keras 3.6
            self.inner.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.inner.on_epoch_end()


class _InTurn(keras.utils.PyDataset):
    """An iterable as `fit` validates on it: one pass after the other, each from the start."""

    def __init__(self, source: Source, steps: int):
        super().__init__()
        self.source, self.steps = source, steps
        self._batches: Iterator[Batch] = iter(())

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> Batch:
        if number == 0:
            self._batches = iter(self.source)
        batch = next(self._batches, None)
        if batch is None:
            self.source.failure = BatchError(
                f"the {self.source.name} held {self.steps} batches, and {number} when it was read "
                "again. Expected the same number in each pass."
            )
            raise self.source.failure
        return batch
