"""The source "labels.csv": image files named in a table, with classes, labels or quantities."""

import os
from pathlib import Path

import numpy as np

from kerascnn.data.collection import Collection
from kerascnn.data.folder import SPLIT_NAMES, SkippedFile, looks_like_an_image
from kerascnn.data.plan import Request
from kerascnn.data.scan import scan
from kerascnn.data.table import Table, first_few, read_table
from kerascnn.data.targets import read_targets
from kerascnn.errors import DataError

SUFFIXES = (".csv", ".tsv")
_FILE_NAMES = ("file", "filename", "image", "path")
_SPLIT = "split"


def read_csv(path: Path, request: Request, task: str) -> Collection:
    """Returns the images that a CSV file names, with what it says of them.

    The column `file`, `filename`, `image` or `path` names the image files, relative to the folder
    of the CSV file; without one of these, the first column does. A column `split` holds train,
    validation or test for every row. The other columns are read by `read_targets`.

    Args:
        path: The CSV file.
        request: What the images shall become.
        task: "auto" or one of `kerascnn.tasks.names()`.

    Raises:
        DataError: A table that cannot be read, rows without a file, rows of one file, cells that
            do not fit the task; the message names the lines.
    """
    table = read_table(path)
    file_column, split_column = _find_columns(table)
    names = table.cells(file_column)
    files = _files(table, file_column, names)
    columns = [name for name in table.columns if name not in (file_column, split_column)]
    targets = read_targets(table, columns, task)
    splits = _splits(table, split_column)
    found = scan(files, request)
    if not len(found.rows):
        raise DataError(
            f"{path}: none of its {len(files)} image(s) can be read; the first: "
            f"{found.skipped[0].path} ({found.skipped[0].reason})."
        )
    splits, labels = splits[found.rows], targets.labels[found.rows]
    present = [split for split in ("train", "validation", "test") if (splits == split).any()]
    if "train" not in present:
        raise DataError(f"{path} has no readable image in the split 'train'.")
    bad = np.setdiff1d(np.arange(len(files)), found.rows)
    return Collection(
        store=found.store,
        labels=labels,
        keys=[Path(names[row]).as_posix() for row in found.rows],
        paths=[files[row] for row in found.rows],
        class_names=targets.names,
        plan=found.plan,
        official={split: np.flatnonzero(splits == split) for split in present},
        task=targets.task,
        skipped=tuple(
            SkippedFile(file.path, f"line {table.lines[row]}: {file.reason}")
            for row, file in zip(bad, found.skipped, strict=True)
        ),
        notes=(
            *targets.notes,
            *(f"{split}: by column {split_column!r}" for split in present if split_column),
        ),
    )


def _find_columns(table: Table) -> tuple[str, str | None]:
    """Returns the column of image files and that of splits, None without one."""
    files = [name for name in table.columns if name.lower() in _FILE_NAMES]
    splits = [name for name in table.columns if name.lower() == _SPLIT]
    for found in (files, splits):
        if len(found) > 1:
            raise DataError(
                f"{table.path} has {len(found)} columns that may name the image's "
                f"{'file' if found is files else 'split'}: {', '.join(found)}. Rename all but one."
            )
    file_column = files[0] if files else table.columns[0]
    if not files and looks_like_an_image(Path(file_column)):
        raise DataError(
            f"{table.path}: the first line must name the columns, but it begins with the image "
            f"{file_column!r}. Put a line such as 'file,label' before it."
        )
    if splits and splits[0] == file_column:
        raise DataError(f"{table.path} has no column of image files. Add a column 'file'.")
    return file_column, splits[0] if splits else None


def _files(table: Table, column: str, names: list[str]) -> list[Path]:
    """Returns the path of each row's image; every one exists and none comes twice."""
    table.refuse(column, lambda name: not name, "has empty cells")
    folder = table.path.parent
    files = [Path(os.path.normpath(folder / name)) for name in names]
    missing = [
        f"line {line}: {file}"
        for line, file in zip(table.lines, files, strict=True)
        if not file.is_file()
    ]
    if missing:
        raise DataError(
            f"{table.path} names {len(missing)} image(s) that do not exist: {first_few(missing)}. "
            f"Paths are relative to {folder.absolute()}."
        )
    first: dict[Path, int] = {}
    doubled = [
        f"lines {first[file]} and {line}: {file}"
        for line, file in zip(table.lines, files, strict=True)
        if first.setdefault(file, line) != line
    ]
    if doubled:
        raise DataError(f"{table.path} names images more than once: {first_few(doubled)}.")
    return files


def _splits(table: Table, column: str | None) -> np.ndarray:
    """Returns the split of each row; all are "train" without a column of splits."""
    if column is None:
        return np.full(len(table.rows), "train", object)
    table.refuse(
        column,
        lambda cell: cell.lower() not in SPLIT_NAMES,
        "must hold train, validation or test in every row",
    )
    return np.array([SPLIT_NAMES[cell.lower()] for cell in table.cells(column)], object)
