"""The source "labels.csv": image files named in a table, with classes, labels or quantities."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kerascnn.data.collection import Collection
from kerascnn.data.folders.skipped import SkippedFile, looks_like_an_image
from kerascnn.data.folders.split_names import SPLITS, split_of
from kerascnn.data.plan import Request
from kerascnn.data.scan import scan
from kerascnn.data.tables.decimals import with_decimal_points
from kerascnn.data.tables.table import Table, cell_in_words, first_few, read_table
from kerascnn.data.tables.table_files import AmbiguousNameError, FileFinder
from kerascnn.data.tables.targets import read_targets
from kerascnn.errors import DataError
from kerascnn.names import same_form, shown

SUFFIXES = (".csv", ".tsv", ".txt")  # spreadsheets call "Unicode text" .txt
_FILE_NAMES = frozenset(
    {"file", "filename", "image", "path", "filepath", "fname", "photo", "picture"}
    | {"img", "imgpath", "imgname", "imgid", "imagepath", "imagename", "imagefile", "imageid"}
    | {"imageindex"}
)
_NUMBERED = _FILE_NAMES | {"id"}  # what may hold the numbers that files are called by
_SPLIT = "split"
_LIKE_SPLIT = frozenset({"set", "subset", "partition", "dataset", "phase", "usage", "fold"})
_TRIED = 50  # rows that decide which column names the files


def read_csv(path: Path, request: Request, task: str) -> Collection:
    """Returns the images that a CSV file names, with what it says of them.

    A column called `file`, `filename`, `image` or `path` (or nearly so) names the image files,
    relative to the folder of the CSV file; without one of these, the first column whose cells are
    the names of files does. A column `split` holds train, validation or test, or a synonym, for
    every row. The other columns are read by `read_targets`.

    Args:
        path: The CSV file.
        request: What the images shall become.
        task: "auto" or one of `kerascnn.tasks.names()`.

    Raises:
        DataError: A table that cannot be read, rows without a file, different rows of one file,
            cells that do not fit the task; the message names the lines.
    """
    table = _without_copies(read_table(path))
    finder = FileFinder(path.parent)
    file_column, notes = _file_column(table, finder)
    split_column = _split_column(table, file_column)
    files = _files(table, file_column, finder)
    names = table.cells(file_column)
    notes += _near_names(names, files, finder)
    table, columns = _target_columns(table, (file_column, split_column))
    table = with_decimal_points(table, columns)
    targets = read_targets(table, columns, task)
    splits = _splits(table, split_column)
    found = scan(files, request)
    if not len(found.rows):
        raise DataError(
            f"{shown(path)}: none of its {len(files)} image(s) can be read; the first: "
            f"{shown(found.skipped[0].path)} ({found.skipped[0].reason})."
        )
    splits, labels = splits[found.rows], targets.labels[found.rows]
    present = [split for split in SPLITS if (splits == split).any()]
    if "train" not in present:
        raise DataError(f"{shown(path)} has no readable image in the split 'train'.")
    bad = np.setdiff1d(np.arange(len(files)), found.rows)
    return Collection(
        store=found.store,
        labels=labels,
        keys=[same_form(Path(names[row]).as_posix()) for row in found.rows],
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
            *table.notes,
            *notes,
            *found.notes,
            *targets.notes,
            *(f"{split}: by column {split_column!r}" for split in present if split_column),
        ),
        warnings=(*found.warnings, *targets.warnings),
    )


def list_table(path: Path) -> list[Path]:
    """The image files that a CSV file names, row by row, without opening any.

    Raises:
        DataError: As `read_csv`, of the table and its column of files.
    """
    table = _without_copies(read_table(path))
    finder = FileFinder(path.parent)
    return _files(table, _file_column(table, finder)[0], finder)


def _without_copies(table: Table) -> Table:
    """Leaves out rows that say again, word for word, what an earlier row says."""
    first: dict[tuple[str, ...], int] = {}
    kept = [place for place, row in enumerate(table.rows) if first.setdefault(row, place) == place]
    copies = len(table.rows) - len(kept)
    if not copies:
        return table
    return replace(
        table,
        rows=tuple(table.rows[place] for place in kept),
        lines=tuple(table.lines[place] for place in kept),
        notes=(*table.notes, f"{copies} row(s) repeat an earlier one word for word: left out"),
    )


def _plain(column: str) -> str:
    return re.sub(r"[\W_]", "", column.casefold())


def _file_column(table: Table, finder: FileFinder) -> tuple[str, tuple[str, ...]]:
    """Returns the column of image files, and a note where its name alone does not say it."""
    for name in table.columns:
        if looks_like_an_image(Path(name)):
            raise DataError(
                f"{shown(table.path)}: the first line must name the columns, but it has the image "
                f"{shown(name)!r}. Put a line such as 'file,label' before it."
            )
    named = [name for name in table.columns if _plain(name) in _FILE_NAMES]
    if len(named) == 1:
        return named[0], ()
    real = [name for name in named or table.columns if _names_files(table, name, finder)]
    if len(real) == 1 or (real and real[0] == table.columns[0] and not named):
        return real[0], (f"image files: by column {real[0]!r}",)
    if named or real:
        chosen = real or named
        raise DataError(
            f"{shown(table.path)} has {len(chosen)} columns that may name the image's file: "
            f"{', '.join(chosen)}. Rename all but one."
        )
    if _plain(table.columns[0]) == _SPLIT:
        raise DataError(f"{shown(table.path)} has no column of image files. Add a column 'file'.")
    return table.columns[0], ()


def _names_files(table: Table, column: str, finder: FileFinder) -> bool:
    """Returns whether most of the first cells of a column are names of files."""
    cells = [cell for cell in table.cells(column) if cell]
    if not any(looks_like_an_image(Path(cell)) for cell in cells):
        # Classes and quantities may be called as files are without their suffix.
        quantities = all(cell.isdecimal() for cell in cells) and _plain(column) not in _NUMBERED
        if len(set(cells)) < len(cells) or (quantities and column != table.columns[0]):
            return False
    cells = cells[:_TRIED]
    return 2 * sum(_is_file(cell, finder) for cell in cells) > len(cells)


def _is_file(name: str, finder: FileFinder) -> bool:
    try:
        return finder.find(name) is not None
    except AmbiguousNameError:
        return True


def _split_column(table: Table, file_column: str) -> str | None:
    """Returns the column of splits, None without one."""
    others = [name for name in table.columns if name != file_column]
    found = [name for name in others if _plain(name) == _SPLIT]
    if not found:
        found = [
            name
            for name in others
            if _plain(name) in _LIKE_SPLIT and all(split_of(cell) for cell in table.cells(name))
        ]
    if len(found) > 1:
        raise DataError(
            f"{shown(table.path)} has {len(found)} columns that may name the image's split: "
            f"{', '.join(found)}. Rename all but one."
        )
    return found[0] if found else None


def _target_columns(table: Table, taken: Sequence[str | None]) -> tuple[Table, list[str]]:
    """Returns the columns that say what is in the images, without one that numbers the rows."""
    columns = [name for name in table.columns if name not in taken]
    if len(columns) > 1:
        for name in columns:
            if table.numbers_rows(name):
                table = table.without([name], f"column {name!r} numbers the rows: left out")
                return table, [other for other in columns if other != name]
    return table, columns


def _files(table: Table, column: str, finder: FileFinder) -> list[Path]:
    """Returns the path of each row's image; every one exists and none comes twice."""
    table.refuse(column, lambda name: not name, "has empty cells")
    files, missing, unclear = [], [], []
    for line, name in zip(table.lines, table.cells(column), strict=True):
        try:
            file = finder.find(name)
        except AmbiguousNameError as error:
            unclear.append(f"line {line}: {error}")
            continue
        if file is None:
            missing.append(f"line {line}: {shown(finder.exactly(name))}")
        else:
            files.append(file)
    if missing or unclear:
        complaint = f"names {len(missing)} image(s) that do not exist: {first_few(missing)}"
        if not missing:
            complaint = f"has names for which there are several files: {first_few(unclear)}"
        raise DataError(
            f"{shown(table.path)}: column {column!r} {complaint}. Paths are relative to "
            f"{shown(finder.folder.absolute())}."
        )
    first: dict[Path, int] = {}
    doubled = [
        f"lines {first[file]} and {line}: {shown(file)}"
        for line, file in zip(table.lines, files, strict=True)
        if first.setdefault(file, line) != line
    ]
    if doubled:
        raise DataError(
            f"{shown(table.path)} names images more than once: {first_few(doubled)}. Expected one "
            "row for each image; several labels of an image go into one cell, as a|b."
        )
    return files


def _near_names(names: Sequence[str], files: Sequence[Path], finder: FileFinder) -> tuple[str, ...]:
    """Returns a note on names that are not exactly those of their files."""
    pairs = zip(names, files, strict=True)
    near = [(name, file) for name, file in pairs if finder.exactly(name) != file]
    if not near:
        return ()
    first = f"{cell_in_words(near[0][0])} for {shown(os.path.relpath(near[0][1], finder.folder))}"
    return (f"{len(near)} name(s) are not exactly those of the files, such as {first}",)


def _splits(table: Table, column: str | None) -> np.ndarray:
    """Returns the split of each row; all are "train" without a column of splits."""
    if column is None:
        return np.full(len(table.rows), "train", object)
    table.refuse(
        column,
        lambda cell: split_of(cell) is None,
        "must hold train, validation or test in every row",
    )
    return np.array([split_of(cell) for cell in table.cells(column)], object)
