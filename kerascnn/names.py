"""Names that people and systems give: one form for comparing them, one that can always be shown.

The same "é" is one code point on Linux and Windows (NFC, Unicode Standard Annex 15) and two on
macOS (NFD); a name that is no UTF-8 at all reaches Python with lone surrogates in it (PEP 383).
"""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from kerascnn.errors import DataError

# Control characters, and what else ends a line: they would break labels.txt.
_UNPRINTABLE = frozenset({"Cc", "Zl", "Zp"})
_LONGEST = 120  # characters of each end of a name or value in a message
_JOINERS = "\u200c\u200d"  # of Persian and of emoji: no letters of their own, and no harm


def same_form(name: str) -> str:
    """Returns `name` in the form in which names are compared and stored (NFC)."""
    return unicodedata.normalize("NFC", name)


def escaped(name: str) -> str:
    """Returns `name` with the bytes that are no UTF-8 as \\xNN: text that can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogateescape")
        return raw.decode("utf-8", "backslashreplace")
    return name


def shown(value: object) -> str:
    """Returns a name, path or other value for a message: a short line that can be printed."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}...{text[-_LONGEST:]}"
    return "".join(letter if _is_shown(letter) else ascii(letter)[1:-1] for letter in escaped(text))


def _is_shown(letter: str) -> bool:
    """Whether a letter can stand in a message: no control character, no turn of the direction."""
    return letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs"


def first_few(items: Sequence[str], most: int = 5) -> str:
    """Returns the first items as text, and how many there are beside them."""
    more = len(items) - most
    return ", ".join(map(shown, items[:most])) + (f", and {more} more" if more > 0 else "")


def label_name(name: str) -> str:
    """Returns the class, label or target that is called `name`: NFC, undecodable bytes escaped."""
    return same_form(escaped(name))


def breaks_lines(name: str) -> bool:
    """Returns whether `name` has control characters or ends of lines in it."""
    return any(unicodedata.category(letter) in _UNPRINTABLE for letter in name)


def class_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Returns the classes of class folders.

    Raises:
        DataError: A name with control characters, or two folders of one name in NFC.
    """
    names: dict[str, Path] = {}
    for folder in folders:
        if breaks_lines(folder.name) or not folder.name.strip():
            raise DataError(
                f"the class folder {shown(folder)!r} has a control character in its name, or "
                "nothing but spaces. Expected a name of one line of text. Rename the folder."
            )
        name = label_name(folder.name)
        if name in names:
            raise DataError(
                f"{shown(folder.parent)} has two class folders of one name, {name!r}, written with "
                f"other code points (Unicode NFC and NFD): {names[name].name!a} and "
                f"{folder.name!a}. Expected one folder for each class. Merge them."
            )
        names[name] = folder
    return tuple(names)


def alike_but_for_case(names: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the pairs of names that differ only in upper and lower case."""
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            pairs.append((other, name))
    return pairs
