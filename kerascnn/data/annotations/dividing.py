"""Training, validation and test pictures of an annotated set."""

from collections.abc import Mapping

import numpy as np

from kerascnn.data.annotations.form.structure import SPLITS, AnnotationSet
from kerascnn.data.splitting import split_by_labels
from kerascnn.errors import DataError, InputError
from kerascnn.names import shown

_MOST_VALIDATION = 5000


def draw_splits(
    annotations: AnnotationSet,
    validation_split: float | None = None,
    test_split: float | None = None,
    seed: int = 0,
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Returns the rows of each split, and what was decided.

    Splits of the source are kept as they are. What is missing is drawn from the training pictures,
    a picture as a whole, so that each class is in each split as often as its share says (iterative
    stratification by the classes that a picture has, see `splitting.split_by_labels`); the same
    pictures and seed give the same splits on any machine.

    Args:
        annotations: A set that `read_annotations` returned.
        validation_split: The share (0..1, exclusive) for validation, where the source has none;
            None for 0.2, but 5,000 pictures at most.
        test_split: Likewise for testing; None for no test set.
        seed: Another number gives other splits.

    Raises:
        DataError: No training pictures, fewer than splits, or a test set that is there already.
        InputError: A share that is none.
    """
    for name, value in (("validation_split", validation_split), ("test_split", test_split)):
        if value is not None and not 0 < value < 1:
            raise InputError(f"{name} must be above 0 and below 1. Received: {value!r}.")
    official = annotations.official
    source = shown(annotations.source)
    if "train" not in official:
        present = ", ".join(official)
        raise DataError(f"{source} has no training pictures, only: {present}. Add a train split.")
    if test_split is not None and "test" in official:
        raise DataError(f"{source} has a test set of its own. Leave test_split out.")
    train = official["train"]
    if validation_split is None:
        validation_split = min(0.2, _MOST_VALIDATION / len(train))
    fractions: dict[str, float] = {}
    if test_split is not None:
        fractions["test"] = test_split
    if "validation" not in official:
        fractions["validation"] = validation_split
    if sum(fractions.values()) >= 1:
        raise InputError(
            f"validation_split {validation_split} and test_split {test_split} leave no training "
            "pictures; their sum must be below 1."
        )
    rows = dict(official)
    if fractions:
        drawn = split_by_labels(
            _presence(annotations, train),
            [annotations.images[row].key for row in train],
            fractions,
            seed,
        )
        rows |= {split: train[part] for split, part in drawn.items()}
    notes = [f"{split}: the source's own" for split in official if split != "train"]
    notes += _drawn(rows, fractions, len(train), seed)
    return {split: rows[split] for split in SPLITS if split in rows}, tuple(notes)


def _drawn(
    rows: Mapping[str, np.ndarray], fractions: Mapping[str, float], total: int, seed: int
) -> list[str]:
    return [
        f"{split}: {len(rows[split])} of {total} training pictures, drawn by class with seed {seed}"
        for split in reversed(list(fractions))
    ]


def _presence(annotations: AnnotationSet, rows: np.ndarray) -> np.ndarray:
    """Returns which classes are in each picture, uint8 `[n, classes]`."""
    found = np.zeros((len(rows), len(annotations.class_names)), np.uint8)
    for place, row in enumerate(rows.tolist()):
        image = annotations.images[row]
        found[place, image.labels[image.labels >= 0]] = 1
        if image.mask is not None:
            found[place, list(image.mask.classes)] = 1
    return found
