"""Reading a CSV file as columns of text, with the line of every row for messages."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kerascnn.errors import DataError
from kerascnn.files import read_bytes, text_encoding
from kerascnn.names import breaks_lines, same_form, shown

DELIMITERS = (",", ";", "\t")
MOST_BYTES = 2**28
_MOST_COLUMNS = 10_000
_HEADER = 2**16  # characters in which the first line is looked for
_SHOWN = 3  # rows that an error names
_LONGEST = 80  # characters of a cell in a message
_LINE_BREAKS = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*")
# Of columns that only number the rows: "" and "Unnamed: 0" are pandas' index.
_INDEX = re.compile(r"|unnamed: \d+|index|idx|id|#", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Table:
    """The rows below the header, each with one cell per column, without the spaces around it.

    `notes` say what of the file was left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # where each row ends in the file, from 1
    notes: tuple[str, ...] = ()

    def cells(self, column: str) -> list[str]:
        """Returns the cells of a column from top to bottom."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def refuse(self, column: str, bad: Callable[[str], bool], complaint: str) -> None:
        """Raises DataError, with the first few lines, if a cell of `column` is `bad`."""
        cells = zip(self.lines, self.cells(column), strict=True)
        found = [f"line {line}: {cell_in_words(cell)}" for line, cell in cells if bad(cell)]
        if found:
            raise DataError(
                f"{shown(self.path)}: column {column!r} {complaint}: {first_few(found)}."
            )

    def without(self, dropped: Iterable[str], note: str) -> "Table":
        """Returns the table without some columns, with a note on it."""
        places = [i for i, name in enumerate(self.columns) if name not in set(dropped)]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in self.rows),
            notes=(*self.notes, note),
        )

    def numbers_rows(self, column: str) -> bool:
        """Returns whether a column is an index: called so, or not at all, and counting up by 1."""
        cells = self.cells(column)
        if not _INDEX.fullmatch(column) or not all(map(_NUMBER.fullmatch, cells)):
            return False
        numbers = [int(cell) for cell in cells]
        return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def cell_in_words(cell: str) -> str:
    """Returns a cell for a message: quoted, and not longer than it has to be."""
    return repr(shown(cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}..."))


def first_few(items: Iterable[str]) -> str:
    """Returns the first items as text, and how many there are beside them."""
    items = list(items)
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def read_table(path: Path) -> Table:
    """Reads a CSV file: one line of column names, then one row per line.

    The text is UTF-8, or UTF-16 or UTF-32 with a byte order mark. The delimiter is that of comma,
    semicolon and tab which the first line has most of, or the one in a line "sep=;" before it, as
    spreadsheets write. Lines without text do not count, nor do empty cells behind the last column
    and columns with neither name nor cells. Line breaks in a cell become spaces.

    Raises:
        DataError: No such text, no rows, columns without a name or of one name, or a row with
            another number of cells than there are columns.
    """
    text = _read_text(path)
    first_line = 0
    told = re.match(r"sep=(.)\r?\n", text)
    if told:
        delimiter, text, first_line = told.group(1), text[told.end() :], 1
    else:
        delimiter = _delimiter(text)
    if re.split("[\r\n]", text, maxsplit=1)[0].count(delimiter) > _MOST_COLUMNS:
        raise DataError(f"{shown(path)} has more than {_MOST_COLUMNS:,} columns.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found = []
    try:
        for row in reader:
            cells = tuple(_LINE_BREAKS.sub(" ", cell.strip()) for cell in row)
            if any(cells):
                found.append((first_line + reader.line_num, cells))
    except csv.Error as error:
        line = first_line + reader.line_num
        raise DataError(f"{shown(path)} is no CSV file, line {line}: {error}.") from error
    if len(found) < 2:
        raise DataError(
            f"{shown(path)} has no rows. Expected a line of column names, then one line for each "
            "image."
        )
    return _without_empty_columns(path, found)


def _read_text(path: Path) -> str:
    content = read_bytes(path, "CSV file", most=MOST_BYTES, error=DataError)
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            f"{shown(path)} is a workbook of a spreadsheet, not text. Save it as CSV (UTF-8)."
        )
    encoding = text_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{shown(path)} is not {encoding.removesuffix('-sig').upper()} text (line {line}: "
            f"{error.reason}). Save it as UTF-8; a spreadsheet calls that 'CSV UTF-8'."
        ) from error
    if "\0" in text:
        raise DataError(f"{shown(path)} is no text: it has NUL characters. Save it as UTF-8.")
    return text


def _delimiter(text: str) -> str:
    """The delimiter that the first line with text has most of, outside quotes."""
    header = next((line for line in text[:_HEADER].splitlines() if line.strip()), "")
    plain = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=plain.count)


def _without_empty_columns(path: Path, found: list[tuple[int, tuple[str, ...]]]) -> Table:
    """Makes a table of lines and their cells, without what stands behind the last column."""
    columns = tuple(map(same_form, found[0][1]))
    rows, uneven, cut = [], [], 0
    for line, cells in found[1:]:
        beyond = cells[len(columns) :]
        if any(beyond) or any(columns[len(cells) :]):
            uneven.append(f"line {line} has {len(cells)}")
            continue
        cut += bool(beyond)
        rows.append(cells[: len(columns)] + ("",) * (len(columns) - len(cells)))
    if uneven:
        raise DataError(
            f"{shown(path)}: every row needs {len(columns)} cells, one for each column: "
            f"{first_few(uneven)}. Put quotes around a cell that holds the delimiter."
        )
    full = [place for place, name in enumerate(columns) if name or any(row[place] for row in rows)]
    left_out = cut or len(full) < len(columns)
    table = Table(
        path,
        tuple(columns[place] for place in full),
        tuple(tuple(row[place] for place in full) for row in rows),
        tuple(line for line, _ in found[1:]),
        ("empty cells behind or between the columns: left out",) if left_out else (),
    )
    return _without_index(table)


def _without_index(table: Table) -> Table:
    """Leaves out the unnamed column with which pandas numbers rows; refuses other unnamed ones."""
    for place, name in enumerate(table.columns, 1):
        unnamed = not name and (table.columns.count("") > 1 or not table.numbers_rows(name))
        if breaks_lines(name) or unnamed:
            raise DataError(
                f"{shown(table.path)}: column {place} has no name of plain text in the first line. "
                "Name it or remove it (pandas leaves such a column out with index=False)."
            )
        if table.columns.count(name) > 1:
            raise DataError(
                f"{shown(table.path)} has {table.columns.count(name)} columns of the name {name!r}."
            )
    if "" in table.columns:
        place = table.columns.index("") + 1
        return table.without([""], f"column {place} has no name and numbers the rows: left out")
    return table
