"""What a table asks for: from its columns to the task, the names and the labels."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerascnn import tasks
from kerascnn.data.tables.label_lists import could_be_lists, find_lists, one_label_each
from kerascnn.data.tables.table import Table, cell_in_words, first_few
from kerascnn.errors import DataError, InputError
from kerascnn.names import alike_but_for_case, breaks_lines, label_name, shown

CLASSIFICATION, MULTI_LABEL, REGRESSION = "classification", "multi_label", "regression"

_CLASS_NAMES = ("label", "class")
_LIST_NAMES = ("labels", "tags")
_FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_FLOAT32 = float(np.finfo(np.float32).max)
# Of the range of a target: what rounding to float32 may change of it.
_MOST_ROUNDING = 1e-3


@dataclass(frozen=True)
class Targets:
    """What the rows of a table are to teach.

    Attributes:
        task: One of `kerascnn.tasks.names()`.
        names: Classes or labels, sorted; or targets, in the order of their columns.
        labels: int32 `[n]` class numbers; float32 `[n, names]` of 0 and 1; or float32
            `[n, names]` of quantities.
        notes: What was decided without being asked.
        warnings: The same, where it must not be missed.
    """

    task: str
    names: tuple[str, ...]
    labels: np.ndarray
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_task(task: str) -> str:
    """Returns `task` if it is "auto" or one that is known, else raises InputError."""
    known = tasks.names()
    if task not in ("auto", *known):
        raise InputError(f'task must be "auto", {", ".join(known)}. Received: {task!r}.')
    return task


def read_targets(table: Table, columns: Sequence[str], task: str = "auto") -> Targets:
    """Reads the target columns of a table, as `task` says or, if "auto", as these rules do.

    One column: a name that ends in `labels` or `tags` says lists of labels, as do separators that
    `find_lists` finds; one that ends in `label` or `class` says classes, unless the cells are
    numbers and not all whole; a column of any other name holds classes if no cell is a number or
    all are 0 or 1, and a quantity if every cell is a number. Several columns: labels if all cells
    are 0 or 1, else quantities. An empty cell, or a word such as "No Finding", is a list without
    labels.

    Raises:
        DataError: Cells that do not fit, with their lines, or columns that do not.
    """
    if not columns:
        raise DataError(
            f"{shown(table.path)} has no column that says what is in the images. Add a column "
            "'label', 'labels', columns of 0 and 1, or columns of numbers."
        )
    if task == "auto":
        task, note = _decide(table, columns)
        found, unclear = _read(table, columns, task), _unclear_lists(table, columns, task)
        return replace(found, notes=(note, *found.notes), warnings=(*unclear, *found.warnings))
    return _read(table, columns, task)


def check_taught(source: str, task: str, names: Sequence[str], labels: np.ndarray) -> None:
    """Raises DataError where the labels of the training images teach nothing of a name."""
    problem = tasks.get(task).check_training(labels, names)
    if problem is not None:
        raise DataError(f"{source}: {problem}. Remove it or add images.")


def _decide(table: Table, columns: Sequence[str]) -> tuple[str, str]:
    if len(columns) > 1:
        named = [
            name
            for name in columns
            if name.lower() in (*_CLASS_NAMES, *_LIST_NAMES)
            or (_is_listed(name) and None in map(_number, table.cells(name)))
        ]
        if named:
            others = [name for name in columns if name not in named]
            raise DataError(
                f"{shown(table.path)}: beside column {named[0]!r} there must be no other targets. "
                f"Remove {(named[1:] + others)!r}."
            )
        if all(_are_flags(table.cells(name)) for name in columns):
            return MULTI_LABEL, f"task: multi_label, {len(columns)} columns of 0 and 1"
        return REGRESSION, f"task: regression, of {', '.join(columns)}"
    name, cells = columns[0], table.cells(columns[0])
    numbers = [_number(cell) for cell in cells]
    whole = all(number is not None and number == int(number) for number in numbers)
    if _is_listed(name):
        return MULTI_LABEL, f"task: multi_label, lists in column {name!r}"
    lists = find_lists(cells, expected=False) if None in numbers else None
    if lists is not None:
        return MULTI_LABEL, (
            f"task: multi_label, lists in column {name!r}, between {lists.separator!r} "
            "(task='classification' takes each cell as one class)"
        )
    if _last_word(name) in _CLASS_NAMES and (whole or None in numbers):
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


def _read(table: Table, columns: Sequence[str], task: str) -> Targets:
    if task not in _READERS:
        raise DataError(f"{shown(table.path)}: tables cannot be read for the task {task}.")
    return _READERS[task](table, columns)


def _unclear_lists(table: Table, columns: Sequence[str], task: str) -> tuple[str, ...]:
    """A warning where cells that were taken as one class each may be lists."""
    if task != CLASSIFICATION:
        return ()
    unclear = could_be_lists(table.cells(columns[0]))
    if unclear is None:
        return ()
    return (
        f"column {columns[0]!r}: each cell is one class, {cell_in_words(unclear)} too. If it holds "
        "several labels, write them as a|b",
    )


def _of_quantities(table: Table, columns: Sequence[str]) -> Targets:
    return Targets(REGRESSION, tuple(columns), _quantities(table, columns))


def _of_labels(table: Table, columns: Sequence[str]) -> Targets:
    listed = len(columns) == 1 and _is_listed(columns[0])
    if not listed and all(_are_flags(table.cells(name)) for name in columns):
        notes: tuple[str, ...] = ()
        labels = _flags(table, columns)
        if len(columns) > 1 and (labels.sum(axis=1) == 1).all():
            notes = (
                "every image has exactly one label; one column of class names instead would make "
                "it classification",
            )
        return Targets(MULTI_LABEL, tuple(columns), labels, notes, _constant(columns, labels))
    if len(columns) > 1:
        for name in columns:
            table.refuse(name, lambda cell: not _are_flags([cell]), "holds not only 0 and 1")
    return _lists(table, columns[0])


def _of_classes(table: Table, columns: Sequence[str]) -> Targets:
    if len(columns) > 1:
        raise DataError(
            f"{shown(table.path)}: classification needs one column of classes, there are "
            f"{len(columns)}: {', '.join(columns)}."
        )
    return _classes(table, columns[0])


def _classes(table: Table, column: str) -> Targets:
    table.refuse(column, lambda cell: not cell, "has empty cells")
    cells = table.cells(column)
    names = _sorted_names(table, column, set(cells))
    if len(names) == 1:
        raise DataError(
            f"{shown(table.path)} has only one class, {names[0]!r}; at least two are needed."
        )
    places = {name: place for place, name in enumerate(names)}
    labels = np.array([places[label_name(cell)] for cell in cells], np.int32)
    warnings = tuple(
        f"the classes {first!r} and {second!r} differ only in upper and lower case"
        for first, second in alike_but_for_case(names)[:3]
    )
    return Targets(CLASSIFICATION, names, labels, warnings=warnings)


def _lists(table: Table, column: str) -> Targets:
    cells = table.cells(column)
    found = find_lists(cells, expected=_is_listed(column))
    lists = found or one_label_each(cells)
    names = _sorted_names(table, column, set().union(*lists.labels))
    if not names:
        raise DataError(f"{shown(table.path)}: column {column!r} names no label at all.")
    labels = np.zeros((len(cells), len(names)), np.float32)
    places = {name: place for place, name in enumerate(names)}
    for row, listed in enumerate(lists.labels):
        labels[row, [places[label_name(name)] for name in listed]] = 1
    notes: tuple[str, ...] = ()
    if found is None and any(" " in cell for cell in cells):
        notes = (
            f"column {column!r} has no | or ; between labels: every cell is one label, spaces are "
            "part of its name",
        )
    elif lists.separator in (" ", "+", ","):
        notes += (f"column {column!r}: labels are separated by {lists.separator!r}",)
    if lists.none is not None:
        notes += (f"{lists.none!r} in column {column!r} stands for no label",)
    return Targets(MULTI_LABEL, names, labels, notes, _constant(names, labels))


def _constant(names: Sequence[str], labels: np.ndarray) -> tuple[str, ...]:
    """A warning of labels that all images have: what they look like cannot be learnt."""
    places = np.flatnonzero(labels.all(axis=0))
    if len(labels) < 2 or not len(places):
        return ()
    found = first_few(repr(names[int(place)]) for place in places)
    return (f"every image has the label(s) {found}: what they look like cannot be learnt",)


def _last_word(name: str) -> str:
    """The last word of a column's name: of "Finding Labels", labels."""
    return re.split(r"[\W_]+", name.strip().casefold())[-1]


def _is_listed(name: str) -> bool:
    return _last_word(name) in _LIST_NAMES


def _sorted_names(table: Table, column: str, names: set[str]) -> tuple[str, ...]:
    table.refuse(column, breaks_lines, "needs names without control characters")
    forms = {label_name(name) for name in names}
    return tuple(sorted(forms, key=lambda name: (name.casefold(), name)))


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
        table.refuse(
            name, lambda cell: abs(float(cell)) > _FLOAT32, "has numbers beyond float32 (3.4e38)"
        )
    exact = np.array([[float(cell) for cell in table.cells(name)] for name in columns]).T
    rounded = exact.astype(np.float32)
    for name, values, taken in zip(columns, exact.T, rounded.T, strict=True):
        span = values.max() - values.min()
        if span and np.abs(taken - values).max() > _MOST_ROUNDING * span:
            raise DataError(
                f"{shown(table.path)}: the values of column {name!r}, {values.min():.9g} to "
                f"{values.max():.9g}, differ by less than float32 can tell. Subtract a constant, "
                "or use another unit."
            )
    return rounded


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
