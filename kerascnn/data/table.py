"""Reading a CSV file as columns of text, with the line of every row for messages."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kerascnn.errors import DataError
from kerascnn.files import check_file

DELIMITERS = (",", ";", "\t")
_SHOWN = 3  # rows that an error names
_LARGEST = 1 << 30  # bytes of a table


@dataclass(frozen=True)
class Table:
    """The rows below the header, each with one cell per column, without the spaces around it."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # where each row ends in the file, from 1

    def cells(self, column: str) -> list[str]:
        """Returns the cells of a column from top to bottom."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def refuse(self, column: str, bad: Callable[[str], bool], complaint: str) -> None:
        """Raises DataError, with the first few lines, if a cell of `column` is `bad`."""
        cells = zip(self.lines, self.cells(column), strict=True)
        found = [f"line {line}: {cell!r}" for line, cell in cells if bad(cell)]
        if found:
            raise DataError(f"{self.path}: column {column!r} {complaint}: {first_few(found)}.")


def first_few(items: Iterable[str]) -> str:
    """Returns the first items as text, and how many there are beside them."""
    items = list(items)
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def read_table(path: Path) -> Table:
    """Reads a CSV file: UTF-8, one line of column names, then one row per line.

    The delimiter is that of comma, semicolon and tab which the first line has most of. Empty lines
    do not count.

    Raises:
        DataError: No UTF-8 text, no rows, columns without a name or of one name, or a row with
            another number of cells than there are columns.
    """
    check_file(path, "CSV file", most=_LARGEST, error=DataError)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            delimiter = max(DELIMITERS, key=header.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            found = [(reader.line_num, tuple(map(str.strip, row))) for row in reader if row]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file, line {reader.line_num}: {error}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if len(found) < 2:
        raise DataError(
            f"{path} has no rows. Expected a line of column names, then one line for each image."
        )
    columns = found[0][1]
    _check_columns(path, columns)
    uneven = [f"line {line} has {len(row)}" for line, row in found if len(row) != len(columns)]
    if uneven:
        raise DataError(
            f"{path}: every row needs {len(columns)} cells, one for each column: "
            f"{first_few(uneven)}. Put quotes around a cell that holds the delimiter."
        )
    lines, rows = zip(*found[1:], strict=True)
    return Table(path, columns, rows, lines)


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    for place, name in enumerate(columns, 1):
        if not name or not name.isprintable():
            raise DataError(
                f"{path}: column {place} has no name of plain text in the first line. Name it or "
                "remove it (pandas leaves such a column out with index=False)."
            )
        if columns.count(name) > 1:
            raise DataError(f"{path} has {columns.count(name)} columns of the name {name!r}.")
