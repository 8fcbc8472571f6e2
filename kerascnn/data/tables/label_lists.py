"""Cells that hold several labels: what separates these, and what stands for none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Hardly ever part of a name.
_STRONG = ("|", ";")
_WEAK = (",", "+")
_BRACKETS = re.compile(r"[\[({](.*)[\])}]", re.DOTALL)
_NONE = frozenset(
    {"", "no finding", "no findings", "none", "no label", "no labels", "nothing", "null", "nan"}
    | {"na", "n a", "unlabeled", "unlabelled", "no defect", "no defects", "no object", "no objects"}
)


@dataclass(frozen=True)
class LabelLists:
    """The labels of each cell.

    Attributes:
        labels: Of each cell, its labels; none for an empty cell.
        separator: What stands between labels.
        none: The word that stands for no label, None if there is none.
    """

    labels: list[set[str]]
    separator: str
    none: str | None


def find_lists(cells: Sequence[str], *, expected: bool) -> LabelLists | None:
    """Returns the lists that cells hold, None if each cell seems to be one name.

    "|" and ";" separate labels wherever they are. A comma or plus (or a space, where lists are
    expected) does if it splits the cells into few names that come again and again: two cells or
    more have it, and every name in them is in another cell too.

    Args:
        cells: Of one column.
        expected: Whether the name of the column says that it holds lists; there a comma separates
            wherever it is.
    """
    bare = [_without_brackets(cell) for cell in cells]
    if all(cell is not None for cell in bare if cell != "") and any(bare):
        return _lists([re.sub("[\"']", "", cell or "") for cell in bare], ",")
    for separator in (*_STRONG, *_WEAK, *([" "] if expected else [])):
        having = {cell for cell in cells if separator in cell}
        if not having:
            continue
        certain = separator in _STRONG or (expected and separator == ",")
        if certain or _recurs(set(cells) - {""}, separator):
            return _lists(cells, separator)
    return None


def one_label_each(cells: Sequence[str]) -> LabelLists:
    """Returns cells that hold one label each, or none."""
    return _lists(cells, None)


def could_be_lists(cells: Sequence[str]) -> str | None:
    """Returns a cell that may hold several labels though `find_lists` finds none, else None."""
    distinct = set(cells) - {""}
    for separator in _WEAK:
        counts = _counts(distinct, separator)
        for cell in sorted(distinct):
            parts = _parts(cell, separator)
            if len(parts) > 1 and any(counts[part] > 1 for part in parts):
                return cell
    return None


def _without_brackets(cell: str) -> str | None:
    """The content of "['a', 'b']", as pandas writes lists; "" for an empty cell, else None."""
    found = _BRACKETS.fullmatch(cell.strip())
    return found.group(1) if found else None if cell else ""


def _parts(cell: str, separator: str | None) -> set[str]:
    if separator in _STRONG:  # one or the other
        parts = re.split("[|;]", cell)
    else:
        parts = cell.split(separator) if separator else [cell]
    return {part.strip() for part in parts} - {""}


def _counts(distinct: set[str], separator: str) -> Counter[str]:
    return Counter(part for cell in distinct for part in _parts(cell, separator))


def _recurs(distinct: set[str], separator: str) -> bool:
    counts = _counts(distinct, separator)
    joined = [parts for cell in distinct if len(parts := _parts(cell, separator)) > 1]
    again = all(counts[part] > 1 for parts in joined for part in parts)
    return len(joined) > 1 and again and len(counts) <= len(distinct)


def _lists(cells: Sequence[str], separator: str | None) -> LabelLists:
    labels = [_parts(cell, separator) for cell in cells]
    alone = {next(iter(found)) for found in labels if len(found) == 1}
    together = {name for found in labels if len(found) > 1 for name in found}
    words = [name for name in alone - together if _is_none(name)]
    none = words[0] if len(words) == 1 else None
    if none is not None:
        labels = [found - {none} for found in labels]
    return LabelLists(labels, separator or "", none)


def _is_none(name: str) -> bool:
    return re.sub(r"[\W_]+", " ", name).strip().casefold() in _NONE
