"""Numbers with a decimal comma, as spreadsheets write them in half of the world."""

import re
from collections.abc import Sequence
from dataclasses import replace

from kerascnn.data.tables.table import Table, cell_in_words
from kerascnn.errors import DataError
from kerascnn.names import shown

_NUMBER = re.compile(r"[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?")
# 1.234,5: points between thousands, and a comma that therefore is the decimal one.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([.][0-9]{3})*,[0-9]+")
_UNCLEAR = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")


def with_decimal_points(table: Table, columns: Sequence[str]) -> Table:
    """Returns the table with the commas of numbers as points, with a note.

    A column is changed if all of its cells are whole numbers or have one comma with digits on both
    sides.

    Raises:
        DataError: All commas of a column are followed by three digits: 1,234 may be either.
    """
    for name in columns:
        cells = table.cells(name)
        marked = [cell for cell in cells if "," in cell]
        if not marked:
            continue
        plain = all(_NUMBER.fullmatch(cell) for cell in cells if cell)
        grouped = all(_GROUPED.fullmatch(cell) for cell in marked) and all(
            _NUMBER.fullmatch(cell) for cell in cells if cell and "," not in cell
        )
        if all(_UNCLEAR.fullmatch(cell) for cell in marked) and all(
            _NUMBER.fullmatch(cell) or _UNCLEAR.fullmatch(cell) for cell in cells if cell
        ):
            raise DataError(
                f"{shown(table.path)}: the commas of column {name!r} may be decimal or stand "
                f"between thousands, as in {cell_in_words(marked[0])}. Write decimal points, and "
                "nothing between thousands."
            )
        if plain or grouped:
            place = table.columns.index(name)
            rows = tuple(
                (*row[:place], row[place].replace(".", "").replace(",", "."), *row[place + 1 :])
                for row in table.rows
            )
            note = f"column {name!r} has decimal commas: {marked[0]} was read as "
            note += marked[0].replace(".", "").replace(",", ".")
            table = replace(table, rows=rows, notes=(*table.notes, note))
    return table
