"""What people hand over to train on, of any kind, as checked batches of (images, labels, weights).

A source says before the first step what cannot be trained on: by its form and its first batch, and
by all labels where they are arrays. What comes later is checked batch by batch on its way, so that
a bad label in the last batch of a generator stops training too.
"""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerascnn.errors import BatchError, InputError
from kerascnn.inputs.arrays import (
    as_array,
    is_dataset,
    is_endless,
    length_of,
    one_pass,
    peek,
    received,
)
from kerascnn.inputs.images import check_batch_size
from kerascnn.inputs.model_inputs import check_size, warn_of_scaled_pixels
from kerascnn.inputs.targets import Targets, weights_of_classes
from kerascnn.transfer.feeding.batches import Batch, RowBatches
from kerascnn.transfer.feeding.forms import (
    EXPECTED,
    arrays_of,
    check_finite,
    check_spec,
    check_weights,
    not_finite,
    parts_of,
    refuse,
    rows_of,
)
from kerascnn.transfer.feeding.tensor_batches import checked_dataset


class Source:
    """Batches of (images, labels) or (images, labels, sample weights), checked.

    Iterating is one pass over them, as arrays.

    Args:
        data: A tuple of two or three arrays or tensors; or what gives such batches: a
            `tf.data.Dataset`, `keras.utils.PyDataset`, list, data loader, any iterable, or a
            function without arguments that returns an iterator.
        name: What errors call it.
        batch_size: Of arrays.
        seed: Of the order of arrays; None keeps it.
        steps: Batches of an epoch; None takes a whole pass. Data without an end, such as a dataset
            that is repeated or a generator, needs it.

    Attributes:
        given: The data, where it was no arrays.
        rows: The arrays, where these were given.
        endless: Whether there is no pass, or none that can be made twice.
        failure: Why a batch was refused; TensorFlow hides it in an error of its own.

    Raises:
        BatchError: Data of another form, or none.
    """

    def __init__(
        self,
        data: Any,
        name: str = "training data",
        *,
        batch_size: int = 32,
        seed: int | None = None,
        steps: int | None = None,
    ):
        self.name, self.given, self._steps = name, data, steps
        self.targets = Targets("any", 0)
        self.class_weight: dict[int, float] | None = None
        self.rows: RowBatches | None = None
        self.failure: InputError | None = None
        self._model: keras.Model | None = None
        self._first: Batch | None = None
        self._shapes: tuple[tuple[int, ...], ...] | None = None  # of what a batch holds
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int)):
            raise InputError(
                f"`steps_per_epoch` must be a whole number. Received: {received(steps)}."
            )
        if steps is not None and steps < 1:
            raise InputError(f"`steps_per_epoch` must be at least 1. Received: {steps}.")
        check_batch_size(batch_size)
        refuse(data, name)
        arrays = arrays_of(data)
        if arrays is not None:
            self.rows = rows_of(arrays, name, batch_size, seed)
        elif is_dataset(data):
            check_spec(data.element_spec, name)
        self.endless = self.rows is None and (is_endless(data) or hasattr(data, "__next__"))
        if self.endless and steps is None:
            raise BatchError(self._endless_without_steps(data))

    @property
    def steps(self) -> int:
        """Batches of an epoch. Where they are not known beforehand, a pass counts and checks them.

        Raises:
            BatchError: There is none.
        """
        if self._steps is None:
            known = len(self.rows) if self.rows is not None else length_of(self.given)
            self._steps = sum(1 for _ in self) if known is None else known
        if not self._steps:
            raise BatchError(f"the {self.name} holds no batch. {EXPECTED}")
        return self._steps

    @property
    def first(self) -> Batch:
        """The first batch as arrays; the generator it may come from is not at a loss for it."""
        if self._first is None:
            if self.rows is not None:
                self._first = next(iter(self.rows))
                return self._first
            given, rest = peek(one_pass(self.given))
            if hasattr(self.given, "__next__"):
                self.given = rest
            if given is None:
                raise BatchError(f"the {self.name} holds no batch. {EXPECTED}")
            self._first = self._array_batch(given, 0)
            self._shapes = tuple(each.shape[1:] for each in self._first)
        return self._first

    def suit(
        self,
        model: keras.Model,
        targets: Targets,
        class_weight: dict[int, float] | None = None,
        *,
        look: bool = True,
    ) -> None:
        """Says what the batches are for, and checks those that are there.

        Args:
            model: That takes the images.
            targets: What its loss takes.
            class_weight: Multiplies the sample weights in training.
            look: Whether to take the first batch.

        Raises:
            BatchError: Images or labels that do not fit.
            InputError: Images of another size than the model's.
        """
        self.targets, self.class_weight, self._model = targets, class_weight, model
        if self.rows is not None:
            rows = self.rows
            labels = targets.arranged(rows.labels)
            self.rows = RowBatches(rows.views, labels, rows.batch_size, rows.seed, rows.weights)
            self._first = None
            check_size(model, rows.views[0].shape[1:])
            check_finite(rows.views[0], lambda row: self._place(row, None))
            targets.check(labels, lambda row: self._place(row, None))
        elif look:
            images, *rest = self.first
            self._first = self._checked((images, *rest), 0)
        elif is_dataset(self.given):
            self._check_static_size(model)
        if self.rows is not None or look:
            warn_of_scaled_pixels(model, self.first[0])

    def __iter__(self) -> Iterator[Batch]:
        if self.rows is not None:
            yield from self.rows
            return
        batches = one_pass(self.given)
        limit = self._steps if self.endless else None
        for number, batch in enumerate(itertools.islice(batches, limit)):
            yield self.taken(batch, number)

    def cycle(self) -> Iterator[Batch]:
        """Checked batches, one pass after the other; ends where there is no other pass.

        Of arrays these are whole batches, in a new order in each pass.
        """
        if self.rows is not None:
            size = min(self.rows.batch_size, len(self.rows.labels))
            whole = len(self.rows.labels) // size
            yield from (self.rows.at(*divmod(n, whole)) for n in itertools.count())
        data = self.given
        if is_dataset(data):  # starting it anew takes tenths of a second
            length = length_of(data)
            batches = one_pass(data if self.endless else data.repeat())
            for number, batch in enumerate(batches):
                number = number if not length else number % length
                yield self.taken(batch, number)
        number = 0
        while number >= 0 and not is_dataset(data):
            number = -1
            for number, batch in enumerate(one_pass(data)):
                yield self.taken(batch, number)

    def taken(self, batch: Any, number: int) -> Batch:
        """A batch of the data as arrays, checked.

        Raises:
            InputError: What is wrong with it, and where.
        """
        try:
            return self._checked(self._array_batch(batch, number), number)
        except InputError as error:
            self.failure = error
            raise

    def weighted(self, labels: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """float32 `[B]`: the weights of images, multiplied by those of their classes."""
        if self.class_weight is None:
            return weights
        by_class = weights_of_classes(labels, self.class_weight)
        return by_class if weights is None else (by_class * weights).astype(np.float32)

    def tensors(self, weighted: bool = False) -> Any:
        """The dataset, checked batch by batch; `weighted` adds the weights of classes."""
        spec = parts_of(self.given.element_spec, self.name)
        if any(each.shape.rank is None for each in spec):  # as of a `tf.py_function`
            _ = self.first
        look = self._look_at_tensors
        return checked_dataset(self.given, self.targets, look, self._shapes, weighted=weighted)

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Raises what a batch was refused for, in place of what TensorFlow makes of it."""
        try:
            yield
        except Exception as error:
            if self.failure is not None and type(error).__module__.startswith("tensorflow"):
                raise self.failure from None
            raise

    def _endless_without_steps(self, data: Any) -> str:
        said = f"the {self.name} has no end that can be reached twice: it is "
        steps = "" if self.name.startswith("validation") else ", or say steps_per_epoch=n"
        if hasattr(data, "__next__"):
            return (
                f"{said}an iterator or generator. Pass the function that makes the generator, "
                f"without calling it, or a list{steps}."
            )
        return f"{said}repeated. Leave .repeat() out, take a part, data.take(n){steps}."

    def _array_batch(self, batch: Any, number: int) -> Batch:
        where = f"batch {number} of the {self.name}"
        parts = parts_of(batch, where)
        if self._first is not None and len(parts) != len(self._first):
            raise BatchError(
                f"{where} holds {len(parts)} arrays, and the first one {len(self._first)}. "
                "Expected sample weights in all batches or in none."
            )
        words = ("images", "labels", "sample weights")
        return tuple(
            as_array(part, f"the {word} of {where}")
            for part, word in zip(parts, words, strict=False)
        )

    def _checked(self, batch: Batch, number: int) -> Batch:
        images, labels, *weights = batch
        if images.ndim < 2:
            raise BatchError(
                f"batch {number} of the {self.name} holds images of the shape {images.shape}. "
                "Expected [B, height, width, channels]: is the data batched?"
            )
        labels = self._look(number, images.shape, labels, weights)
        check_finite(images, lambda row: self._place(row, number))
        return images, labels, *(each.reshape(len(images)) for each in weights)

    def _look(
        self, number: int, shape: tuple[int, ...], labels: np.ndarray, weights: list[np.ndarray]
    ) -> np.ndarray:
        """Labels arranged; they, the weights and the shape of the images checked."""
        count = shape[0]
        if self._model is not None:
            try:
                check_size(self._model, shape[1:])
            except InputError as error:
                raise BatchError(f"{error} In batch {number} of the {self.name}.") from None
        if labels.ndim == 0 or len(labels) != count:
            raise BatchError(
                f"batch {number} of the {self.name} holds {count} images and labels of the shape "
                f"{labels.shape}. Expected one label for each image."
            )
        labels = self.targets.arranged(labels)
        self.targets.check(labels, lambda row: self._place(row, number))
        for each in weights:
            check_weights(each, count, f"batch {number} of the {self.name}")
        return labels

    def _place(self, row: int, number: int | None) -> str:
        if number is None:
            return f"the {self.name}" if row < 0 else f"row {row} (from 0) of the {self.name}"
        if row < 0:
            return f"batch {number} of the {self.name}"
        return f"row {row} of batch {number} (both from 0) of the {self.name}"

    def _look_at_tensors(
        self,
        number: int,
        shape: np.ndarray,
        finite: np.ndarray,
        labels: np.ndarray,
        *weights: np.ndarray,
    ) -> np.ndarray:
        """Checks a batch of a dataset, and returns the weight of each image."""
        try:
            labels = self._look(int(number), tuple(shape.tolist()), labels, list(weights))
            if not finite.all():
                raise BatchError(not_finite(self._place(int(finite.argmin()), int(number))))
        except InputError as error:
            self.failure = error
            raise
        given = weights[0].reshape(len(labels)).astype(np.float32) if weights else None
        found = self.weighted(labels, given)
        return np.ones(len(labels), np.float32) if found is None else found

    def _check_static_size(self, model: keras.Model) -> None:
        images = parts_of(self.given.element_spec, "")[0]
        if images.shape.rank is not None and images.shape.is_fully_defined():
            check_size(model, tuple(images.shape)[1:])
