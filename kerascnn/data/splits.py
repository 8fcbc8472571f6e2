"""The loaded source: three datasets and everything one may ask about them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import tasks
from kerascnn.arguments import checked_seed
from kerascnn.data.folders.skipped import SkippedFile
from kerascnn.data.images.resize import ResizeRule
from kerascnn.data.splitting import stratified_sample
from kerascnn.data.stores import PixelStore
from kerascnn.data.tables.targets import CLASSIFICATION
from kerascnn.errors import DataError, InputError
from kerascnn.names import shown


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """Training, validation and test images of one source.

    `train`, `validation` and `test` are `tf.data.Dataset`s of (uint8 images `[B, H, W, C]`, labels
    `[B, ...]`), ready for `model.fit`; `test` is None if the source has none and none was asked
    for. `task` says what the labels are, and `class_names` what their numbers stand for:

    - "classification": int32 `[n]`, numbers of classes;
    - "multi_label": float32 `[n, labels]`, 1 where an image has the label, else 0;
    - "regression": float32 `[n, targets]`, quantities in their own units;
    - another task: `[n, ...]`, as its reader gives them.

    `counts` holds the number of images of each split present, `class_counts` those of each class
    or label in the order of `class_names` (nothing in regression). `resize` is the rule every image
    went through, `skipped` lists files that are not used, `notes` says what was decided without
    being asked. `own_size` is the (height, width) that all images had before the rule, None if they
    differed.
    """

    train: Any
    validation: Any
    test: Any | None
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    counts: dict[str, int]
    class_counts: dict[str, tuple[int, ...]]
    source: str
    resize: ResizeRule
    skipped: tuple[SkippedFile, ...]
    notes: tuple[str, ...]
    task: str = CLASSIFICATION
    own_size: tuple[int, int] | None = None
    _store: PixelStore = field(repr=False)
    _labels: np.ndarray = field(repr=False)
    _rows: dict[str, np.ndarray] = field(repr=False)
    _train_from: Callable[[int], Any] = field(repr=False)
    _paths: Sequence[Path] = field(default=(), repr=False)

    def train_from(self, epoch: int) -> Any:
        """Returns `train` with the order of the images of an epoch (from 0) and of those after it.

        Each pass over `train` is the next epoch, whoever makes it; this one starts where it is
        told.
        """
        return self._train_from(epoch)

    def sample(self, split: str, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns `count` uint8 images of a split and their labels, for calibration.

        Each class is drawn in proportion (one image at least, if `count` allows), in mixed order;
        with labels or quantities every image has the same chance. The same seed gives the same
        images. A split with fewer images is returned whole.

        Raises:
            InputError: an unknown split, a count below 1 or a seed out of 0..2**32-1.
            DataError: the source has no such split.
        """
        rows = self._rows_of(split)
        _check_positive("count", count)
        seed = checked_seed(seed)
        strata = tasks.get(self.task).strata(self._labels)
        if strata is not None and strata.ndim == 1:
            chosen = stratified_sample(strata, rows, count, len(self.class_names), seed)
        else:
            chosen = np.random.default_rng(seed).permutation(rows)[:count]
        return self._store.read(chosen), self._labels[chosen]

    def arrays(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns all uint8 images `[n, H, W, C]` and labels `[n, ...]` of a split, in file order.

        For a split too large for memory there is `batches`.

        Raises:
            InputError: an unknown split.
            DataError: the source has no such split.
        """
        rows = self._rows_of(split)
        return self._store.read(rows), self._labels[rows]

    def take(
        self, split: str, positions: Sequence[int] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the images and labels of some positions of what `arrays` would return."""
        rows = self._rows_of(split)[np.asarray(positions, np.int64)]
        return self._store.read(rows), self._labels[rows]

    def labels(self, split: str) -> np.ndarray:
        """Returns the labels that `arrays` returns, without reading images."""
        return self._labels[self._rows_of(split)]

    def paths(self, split: str) -> tuple[Path, ...]:
        """Returns the file of each image, in the order of `arrays`; () if the source has none."""
        rows = self._rows_of(split)
        return tuple(self._paths[row] for row in rows) if self._paths else ()

    def batches(self, split: str, size: int = 256) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Returns an iterator over what `arrays` returns, `size` images at a time."""
        rows = self._rows_of(split)
        _check_positive("size", size)
        return self._read_batches(rows, size)

    def _read_batches(self, rows: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield self._store.read(part), self._labels[part]

    def _rows_of(self, split: str) -> np.ndarray:
        names = ("train", "validation", "test")
        if split not in names:
            raise InputError(f"split must be one of {', '.join(names)}. Received: {split!r}.")
        if split not in self._rows:
            raise DataError(
                f"{shown(self.source)} has no {split} split. Load it with {split}_split=0.2, or "
                f"use one of {', '.join(self._rows)}."
            )
        return self._rows[split]


def _check_positive(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} must be an integer of 1 or more. Received: {value!r}.")
