"""`load`: one call from the name of a source to its three splits."""

import difflib
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import tasks
from kerascnn.arguments import checked_seed
from kerascnn.data.annotated_source import DETECTION, read_annotated
from kerascnn.data.collection import Collection
from kerascnn.data.copies import find_copies
from kerascnn.data.csv_source import SUFFIXES, read_csv
from kerascnn.data.digits import TEST_SPLIT, read_digits
from kerascnn.data.folder_source import read_folder
from kerascnn.data.folders.skipped import in_one_line
from kerascnn.data.images.resize import ResizeRule
from kerascnn.data.pipeline import DatasetBuilder
from kerascnn.data.pixel_notes import EIGHT_BITS_ONLY
from kerascnn.data.plan import Request
from kerascnn.data.splits import Splits
from kerascnn.data.splitting import split_alike, split_by_class, split_by_labels
from kerascnn.data.tables.targets import CLASSIFICATION, check_task, check_taught
from kerascnn.data.tfds_source import read_tfds
from kerascnn.errors import DataError, InputError
from kerascnn.files import PathLike, check_file, user_path
from kerascnn.names import shown

# More do not make the choice of an epoch better, but are missed in training.
MOST_VALIDATION = 5000

logger = logging.getLogger("kerascnn.data")

SOURCES = (
    'A source is a folder of class folders, a .csv file that names images, "tfds:NAME" (TensorFlow '
    'Datasets), or "digits" (embedded).'
)
BOXES = (
    "Detection takes a folder of pictures with annotations, an annotation file (COCO, VIA, CSV "
    '...) or "tfds:NAME".'
)
ANNOTATIONS = (".json", ".xml", ".yaml", ".yml")  # files that are no tables


def load(
    source: PathLike,
    image_size: int | tuple[int, int] | None = None,
    batch_size: int = 32,
    *,
    task: str = "auto",
    channels: int | None = None,
    validation_split: float | None = 0.2,
    test_split: float | None = None,
    seed: int = 0,
    resize: str | ResizeRule = "auto",
    shuffle: bool = True,
    cache: bool | str = "auto",
    data_dir: PathLike | None = None,
    first_epoch: int = 0,
    pixel_range: Sequence[float] | None = None,
) -> Splits:
    """Loads labelled images as training, validation and test sets of raw uint8 pixels.

    Args:
        source: a folder of class folders (which may be split into train, validation and test
            folders already), a .csv file, "tfds:NAME" or "tfds:NAME/CONFIG", or "digits".
            The first column of a .csv file (or `file`, `filename`, `image`, `path`) names images
            relative to its folder, a column `split` holds train, validation or test, and the
            others say what is in them: `kerascnn.data.tables.targets.read_targets` has the rules.
        image_size: (height, width) or one number for both; None keeps the images' own size if they
            all share one and takes 224x224 if they do not.
        batch_size: images in a batch; the last one of an epoch may be smaller.
        task: what to make of the columns of a .csv file: "classification", "multi_label",
            "regression" or another of `kerascnn.tasks.names()`; "auto" decides by their names and
            cells, and says so in `notes`. Other sources are for classification, or for "detection",
            which takes what `kerascnn.data.annotations.read_annotations` reads: a folder, an
            annotation file or a TFDS set with boxes.
        channels: 1 for grey, 3 for RGB; None takes 1 if all images are grey, else 3.
        validation_split: share (0..1, exclusive) of the training images held back for validation,
            of each class or label, where the source has no validation set of its own. None means
            0.2, but 5,000 images at most.
        test_split: likewise for testing. None means 0.2 for "digits" and no test set for others
            that have none; a number is refused where the source has a test set of its own.
        seed: decides the splits and the order of training, on any machine alike.
        resize: "auto" (centre images slightly smaller than the target, else "stretch"), "stretch",
            "crop", "pad", or a ResizeRule.
        shuffle: whether training images come in a new order in each epoch. The other sets keep
            the order of the files.
        cache: whether decoded images are kept in memory: "auto" if they take up to 1 GiB. If not,
            a folder is decoded anew in each epoch, a TFDS set once, into a temporary file.
        data_dir: the folder of prepared TFDS sets; None means TFDS_DATA_DIR or TFDS's default.
        first_epoch: epochs already done, by a run that goes on: its order of images does too.
        pixel_range: (low, high), the values that become 0 and 255 where pixels have more than 8
            bits; what lies outside is cut. None takes 0 and 65535 for pixels of 16 bits, warns
            where few grey levels are left, and skips floating-point images, which have no range.
            Images of 8 bits do not heed it.

    Raises:
        InputError: an argument that cannot be used.
        DataError: a source that cannot be trained on; the message says why and what to do.
    """
    request = check_arguments(
        *(batch_size, image_size, channels, validation_split, test_split, seed, resize, cache),
        pixel_range,
    )
    collection = _read(source, request, data_dir, task)
    rows, notes = _split(source, collection, validation_split, test_split, seed)
    check_taught(
        shown(source),
        collection.task,
        collection.class_names,
        collection.labels[rows["train"]],
    )
    warnings = (*collection.warnings, *find_copies(collection.paths, collection.labels, rows))
    notes = (*collection.plan.notes, *collection.notes, *notes)
    if collection.skipped:
        notes += (in_one_line(collection.skipped),)
    for warning in warnings:
        logger.warning("%s: %s", shown(source), warning)
    for note in notes:
        logger.info("%s: %s", shown(source), note)
    plan = collection.plan
    shape = (*plan.size, plan.channels)
    builder = DatasetBuilder(collection.store, collection.labels, shape)

    def train_from(epoch: int) -> Any:
        order = seed if shuffle else None
        return builder.build(rows["train"], batch_size, seed=order, first_epoch=epoch)

    return Splits(
        train=train_from(first_epoch),
        validation=builder.build(rows["validation"], batch_size),
        test=builder.build(rows["test"], batch_size) if "test" in rows else None,
        class_names=collection.class_names,
        image_shape=shape,
        counts={split: len(part) for split, part in rows.items()},
        class_counts={split: _class_counts(collection, part) for split, part in rows.items()},
        source=os.fspath(source),
        resize=plan.rule,
        skipped=collection.skipped,
        notes=(*warnings, *notes),
        task=collection.task,
        _store=collection.store,
        _labels=collection.labels,
        _rows=rows,
        own_size=plan.own_size,
        _paths=collection.paths,
        _train_from=train_from,
    )


def check_arguments(
    batch_size: int = 32,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    validation_split: float | None = None,
    test_split: float | None = None,
    seed: int = 0,
    resize: str | ResizeRule = "auto",
    cache: bool | str = "auto",
    pixel_range: Sequence[float] | None = None,
) -> Request:
    """What `load` is asked for; InputError for values that it cannot use, whatever the source."""
    _check_numbers(batch_size, validation_split, test_split, seed)
    return Request.check(image_size, channels, resize, cache, pixel_range)


def _class_counts(collection: Collection, rows: np.ndarray) -> tuple[int, ...]:
    """Returns how many images have each class or label; nothing of quantities."""
    strata = tasks.get(collection.task).strata(collection.labels[rows])
    if strata is None:
        return ()
    if strata.ndim == 2:
        counts = np.zeros(len(collection.class_names), np.int64)
        counts[: strata.shape[1]] = strata.sum(axis=0)  # the last classes may be in no image
        return tuple(counts.tolist())
    return tuple(np.bincount(strata, minlength=len(collection.class_names)).tolist())


def is_path(source: PathLike) -> bool:
    """Whether a source is a folder or a table, not the name of a data set."""
    return not isinstance(source, str) or not (source == "digits" or source.startswith("tfds:"))


def check_source(
    source: PathLike, task: str | None = "auto", data_dir: PathLike | None = None
) -> Path | None:
    """The folder or table that a source is; None where it is no path.

    Nothing of it is read: this is what can be said of a source at once.

    Args:
        source: As in `load`, like the other arguments.
        task: None where it is not known yet.

    Raises:
        InputError: A task or `data_dir` that the source does not have.
        DataError: No such source.
    """
    if task is not None:
        check_task(task)
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"a source must be text or a path. {SOURCES} Received: {source!r}.")
    name = source if isinstance(source, str) else ""
    path = user_path(source, "source") if os.fspath(source) else Path()
    is_table = is_table_file(path)
    if not is_table and task not in (None, "auto", CLASSIFICATION, DETECTION):
        raise InputError(
            f"{shown(source)!r} is for classification; task={task!r} needs a .csv file."
        )
    if task == DETECTION and name == "digits":
        raise InputError(f"'digits' is for classification. {BOXES}")
    if data_dir is not None and not name.startswith("tfds:"):
        raise InputError(
            f'data_dir belongs to sources "tfds:NAME"; the source is {shown(source)!r}.'
        )
    if not is_path(source):
        return None
    if not os.fspath(source) or not os.path.exists(path):
        close = difflib.get_close_matches(name.lower().split(":")[0], ["digits", "tfds"], 1)
        hint = {"digits": ' Did you mean "digits"?', "tfds": ' Did you mean "tfds:NAME"?'}
        raise DataError(
            f"no such folder or source: {shown(source)!r}."
            f"{hint[close[0]] if close else ''} {SOURCES}"
        )
    if not path.is_dir():
        check_file(path, "folder or file of annotations", error=DataError)
        if path.suffix.lower() in ANNOTATIONS and task not in (None, DETECTION):
            raise DataError(
                f"{shown(source)!r} is no table of images. Where it annotates boxes, say "
                'task="detection", on the command line --task detection.'
            )
    return path


def is_table_file(path: Path) -> bool:
    """Whether a source is read as a table: by its name, unless it is a folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def _read(source: PathLike, request: Request, data_dir: PathLike | None, task: str) -> Collection:
    path = check_source(source, task, data_dir)
    if task == DETECTION:
        return read_annotated(source if path is None else path, request, data_dir)
    if path is not None:
        return read_csv(path, request, task) if is_table_file(path) else read_folder(path, request)
    if source == "digits":
        collection = read_digits(request)
    else:
        if data_dir is not None:
            data_dir = os.path.expanduser(data_dir)  # it may be the address of a bucket, too
        collection = read_tfds(os.fspath(source).removeprefix("tfds:"), request, data_dir)
    if request.pixel_range is None:
        return collection
    return replace(collection, notes=(*collection.notes, EIGHT_BITS_ONLY))


def _split(
    source: PathLike,
    collection: Collection,
    validation_split: float | None,
    test_split: float | None,
    seed: int,
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Returns the rows of each split (the source's own, the rest drawn from train) and notes."""
    official = collection.official
    if test_split is not None and "test" in official:
        raise DataError(
            f"{shown(source)} has a test set of its own, test_split={test_split} cannot be "
            "used. Leave test_split out."
        )
    if test_split is None and source == "digits":
        test_split = TEST_SPLIT
    train = official["train"]
    if validation_split is None:
        validation_split = min(0.2, MOST_VALIDATION / len(train))
    fractions = {}
    if test_split and "test" not in official:
        fractions["test"] = test_split
    if "validation" not in official:
        fractions["validation"] = validation_split
    keys = [collection.keys[row] for row in train]
    labels = collection.labels[train]
    strata = tasks.get(collection.task).strata(labels)
    if strata is None:
        manner, drawn = "at random", split_alike(keys, fractions, seed)
    elif strata.ndim == 2:
        manner, drawn = "by label", split_by_labels(strata, keys, fractions, seed)
    else:
        drawn = split_by_class(strata, keys, fractions, collection.class_names, seed)
        manner = "by class"
    rows = official | {split: train[part] for split, part in drawn.items()}
    ordered = {split: rows[split] for split in ("train", "validation", "test") if split in rows}
    notes = tuple(
        f"{split}: {len(rows[split])} of {len(train)} training images, drawn {manner} with seed "
        f"{seed}"
        for split in reversed(fractions)
    )
    return ordered, notes


def _check_numbers(
    batch_size: int, validation_split: float | None, test_split: float | None, seed: int
) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"batch_size must be an integer of 1 or more. Received: {batch_size!r}.")
    checked_seed(seed)
    if validation_split is None:
        validation_split = 0.2
    if not _is_share(validation_split) or validation_split == 0:
        raise InputError(
            f"validation_split must be above 0 and below 1. Received: {validation_split!r}."
        )
    if test_split is not None and not _is_share(test_split):
        raise InputError(f"test_split must be 0 or more and below 1. Received: {test_split!r}.")
    if validation_split + (test_split or 0) >= 1:
        raise InputError(
            f"validation_split {validation_split} and test_split {test_split} leave no training "
            "images; their sum must be below 1."
        )


def _is_share(value: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
