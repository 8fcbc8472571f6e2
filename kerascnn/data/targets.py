"""What a table asks for: from its columns to the task, the names and the labels."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn import tasks
from kerascnn.data.table import Table
from kerascnn.errors import DataError, InputError

CLASSIFICATION, MULTI_LABEL, REGRESSION = "classification", "multi_label", "regression"

_CLASS_NAMES = ("label", "class")
_LIST_NAMES = ("labels", "tags")
_FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_SEPARATORS = re.compile("[|;]")


@dataclass(frozen=True)
class Targets:
    """What the rows of a table are to teach.

    Attributes:
        task: One of `kerascnn.tasks.names()`.
        names: Classes or labels, sorted; or targets, in the order of their columns.
        labels: int32 `[n]` class numbers; float32 `[n, names]` of 0 and 1; or float32
            `[n, names]` of quantities.
        notes: What was decided without being asked.
    """

    task: str
    names: tuple[str, ...]
    labels: np.ndarray
    notes: tuple[str, ...] = ()


def check_task(task: str) -> str:
    """Returns `task` if it is "auto" or one that is known, else raises InputError."""
    known = tasks.names()
    if task not in ("auto", *known):
        raise InputError(f'task must be "auto", {", ".join(known)}; received {task!r}.')
    return task


def read_targets(table: Table, columns: Sequence[str], task: str = "auto") -> Targets:
    """Reads the target columns of a table, as `task` says or, if "auto", as these rules do.

    One column: `labels` and `tags` hold lists of labels; `label` and `class` hold classes, unless
    their cells are numbers and not all whole; a column of any other name holds classes if no cell
    is a number or all are 0 or 1, and a quantity if every cell is a number. Several columns: labels
    if all cells are 0 or 1, else quantities. The labels of a list stand between "|" or ";"; spaces
    belong to their names, and an empty cell is a list without labels.

    Raises:
        DataError: Cells that do not fit, with their lines, or columns that do not.
    """
    if not columns:
        raise DataError(
            f"{table.path} has no column that says what is in the images. Add a column 'label', "
            "'labels', columns of 0 and 1, or columns of numbers."
        )
    if task == "auto":
        task, note = _decide(table, columns)
        return _read(table, columns, task, (note,))
    return _read(table, columns, task, ())


def check_taught(source: str, task: str, names: Sequence[str], labels: np.ndarray) -> None:
    """Raises DataError where the labels of the training images teach nothing of a name."""
    problem = tasks.get(task).check_training(labels, names)
    if problem is not None:
        raise DataError(f"{source}: {problem}. Remove it or add images.")


def _decide(table: Table, columns: Sequence[str]) -> tuple[str, str]:
    if len(columns) > 1:
        named = [name for name in columns if name.lower() in (*_CLASS_NAMES, *_LIST_NAMES)]
        if named:
            others = [name for name in columns if name not in named]
            raise DataError(
                f"{table.path}: beside column {named[0]!r} there must be no other targets. "
                f"Remove {(named[1:] + others)!r}."
            )
        if all(_are_flags(table.cells(name)) for name in columns):
            return MULTI_LABEL, f"task: multi_label, {len(columns)} columns of 0 and 1"
        return REGRESSION, f"task: regression, of {', '.join(columns)}"
    name, cells = columns[0], table.cells(columns[0])
    numbers = [_number(cell) for cell in cells]
    whole = all(number is not None and number == int(number) for number in numbers)
    if name.lower() in _LIST_NAMES:
        return MULTI_LABEL, f"task: multi_label, lists in column {name!r}"
    if name.lower() in _CLASS_NAMES and (whole or None in numbers):
        digits = ", its numbers are names (task='regression' takes them as quantities)"
        return CLASSIFICATION, f"task: classification by column {name!r}{digits if whole else ''}"
    if _are_flags(cells):
        return CLASSIFICATION, (
            f"task: classification, of two classes in column {name!r} (task='multi_label' makes "
            "it one label, task='regression' a quantity)"
        )
    if not any(number is not None for number in numbers):
        return CLASSIFICATION, f"task: classification by column {name!r}"
    classes = " (task='classification' takes its numbers as names)" if whole else ""
    return REGRESSION, f"task: regression, of {name}{classes}"


def register_reader(task: str, reader: "Reader") -> None:
    """Makes a task one that tables can be read for.

    Args:
        task: Its name.
        reader: From a table and its target columns to the targets; raises DataError for cells that
            do not fit.
    """
    _READERS[task] = reader


def _read(table: Table, columns: Sequence[str], task: str, notes: tuple[str, ...]) -> Targets:
    if task not in _READERS:
        raise DataError(f"{table.path}: tables cannot be read for the task {task}.")
    found = _READERS[task](table, columns)
    return Targets(found.task, found.names, found.labels, notes + found.notes)


def _of_quantities(table: Table, columns: Sequence[str]) -> Targets:
    return Targets(REGRESSION, tuple(columns), _quantities(table, columns))


def _of_labels(table: Table, columns: Sequence[str]) -> Targets:
    listed = len(columns) == 1 and columns[0].lower() in _LIST_NAMES
    if not listed and all(_are_flags(table.cells(name)) for name in columns):
        notes: tuple[str, ...] = ()
        labels = _flags(table, columns)
        if len(columns) > 1 and (labels.sum(axis=1) == 1).all():
            notes = (
                "every image has exactly one label; one column of class names instead would make "
                "it classification",
            )
        return Targets(MULTI_LABEL, tuple(columns), labels, notes)
    if len(columns) > 1:
        for name in columns:
            table.refuse(name, lambda cell: not _are_flags([cell]), "holds not only 0 and 1")
    return _lists(table, columns[0])


def _of_classes(table: Table, columns: Sequence[str]) -> Targets:
    if len(columns) > 1:
        raise DataError(
            f"{table.path}: classification needs one column of classes, there are "
            f"{len(columns)}: {', '.join(columns)}."
        )
    return _classes(table, columns[0])


def _classes(table: Table, column: str) -> Targets:
    table.refuse(column, lambda cell: not cell, "has empty cells")
    cells = table.cells(column)
    names = _sorted_names(table, column, set(cells))
    if len(names) == 1:
        raise DataError(f"{table.path} has only one class, {names[0]!r}; at least two are needed.")
    places = {name: place for place, name in enumerate(names)}
    return Targets(CLASSIFICATION, names, np.array([places[cell] for cell in cells], np.int32))


def _lists(table: Table, column: str) -> Targets:
    cells = table.cells(column)
    lists = [{part.strip() for part in _SEPARATORS.split(cell)} - {""} for cell in cells]
    names = _sorted_names(table, column, set().union(*lists))
    if not names:
        raise DataError(f"{table.path}: column {column!r} names no label at all.")
    labels = np.zeros((len(cells), len(names)), np.float32)
    places = {name: place for place, name in enumerate(names)}
    for row, found in enumerate(lists):
        labels[row, [places[name] for name in found]] = 1
    notes: tuple[str, ...] = ()
    if any(" " in cell for cell in cells) and not any(map(_SEPARATORS.search, cells)):
        notes = (
            f"column {column!r} has no | or ; between labels: every cell is one label, spaces are "
            "part of its name",
        )
    return Targets(MULTI_LABEL, names, labels, notes)


def _sorted_names(table: Table, column: str, names: set[str]) -> tuple[str, ...]:
    table.refuse(column, lambda cell: not cell.isprintable(), "needs names of plain text")
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def _flags(table: Table, columns: Sequence[str]) -> np.ndarray:
    cells = [[_FLAGS[cell.lower()] for cell in table.cells(name)] for name in columns]
    return np.array(cells, np.float32).T


def _quantities(table: Table, columns: Sequence[str]) -> np.ndarray:
    for name in columns:
        table.refuse(name, lambda cell: not cell, "has empty cells")
        table.refuse(
            name,
            lambda cell: _number(cell) is None,
            "holds not only finite numbers, such as 3 or -1.5e2",
        )
    return np.array([[float(cell) for cell in table.cells(name)] for name in columns]).T.astype(
        np.float32
    )


def _are_flags(cells: Sequence[str]) -> bool:
    return all(cell.lower() in _FLAGS for cell in cells)


def _number(cell: str) -> float | None:
    """The finite number in a cell, None if there is none."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None


Reader = Callable[[Table, Sequence[str]], Targets]
_READERS: dict[str, Reader] = {
    CLASSIFICATION: _of_classes,
    MULTI_LABEL: _of_labels,
    REGRESSION: _of_quantities,
}
