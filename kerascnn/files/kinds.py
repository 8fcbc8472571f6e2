"""What a file or folder is, by its content: nothing of another kind is ever replaced."""

import fnmatch
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.errors import InputError
from kerascnn.files.reading import read_bytes

_HEAD = 4096  # bytes that tell a kind
_LARGEST_JSON = 1 << 26
# What desktops leave in folders: nobody misses it.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
# Names of temporary files and locks, in which `claims` finds what killed processes left.
LEFTOVER = re.compile(r"\.(?P<name>.+)\.kerascnn-(?P<use>[A-Za-z0-9_.-]+)", re.DOTALL)
_MARKUP = re.compile(
    rb"(?:\s|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\])?[^>]*>)*", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True)
class FileKind:
    """One kind of file.

    Attributes:
        name: In messages, with its article: "a PNG image".
        recognises: Whether the file at a path, which is not empty, is of this kind.
    """

    name: str
    recognises: Callable[[Path], bool]


@dataclass(frozen=True)
class FolderKind:
    """One kind of folder that kerascnn writes.

    Attributes:
        name: In messages, with its article: "a bundle".
        mark: The file that makes a folder one of this kind.
        contents: From the mark to patterns of the names of all files that belong to such a folder,
            relative to it, with "/"; None where the mark is not of this kind. "*" matches
            everything, "/" too.
        advice: What else to do about one that exists, behind a comma.
    """

    name: str
    mark: str
    contents: Callable[[Path], Sequence[str] | None]
    advice: str = ""

    def foreign(self, folder: Path) -> str | None:
        """The first entry of a folder that does not belong to this kind; None without one."""
        mark = folder / self.mark
        patterns = self.contents(mark) if mark.is_file() and not mark.is_symlink() else None
        patterns = () if patterns is None else (*patterns, self.mark)
        for entry in entries(folder):
            if not any(fnmatch.fnmatchcase(entry.rstrip("/"), pattern) for pattern in patterns):
                return entry
        return None

    def recognises(self, folder: Path) -> bool:
        """Whether a folder has the mark of this kind."""
        mark = folder / self.mark
        return mark.is_file() and self.contents(mark) is not None


Kind = FileKind | FolderKind


def entries(folder: Path) -> Iterator[str]:
    """The files below a folder, and its empty folders (ending in "/"), relative to it, in order.

    Links are not followed. What desktops leave behind and our own leftovers do not count.
    """
    for parent, folders, files in os.walk(folder):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        folders[:] = [n for n in folders if n not in links and not LEFTOVER.fullmatch(n)]
        place = Path(parent).relative_to(folder)
        for name in sorted([*files, *links]):
            if name not in _LITTER and not LEFTOVER.fullmatch(name):
                yield (place / name).as_posix()
        if not folders and not files and not links and place.parts:
            yield f"{place.as_posix()}/"


def json_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is none."""
    try:
        value = json.loads(read_bytes(path, most=_LARGEST_JSON))
    except (InputError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _starts(*signatures: bytes, at: int = 0) -> Callable[[Path], bool]:
    return lambda path: _head(path)[at:].startswith(signatures)


def _markup(*roots: bytes) -> Callable[[Path], bool]:
    """XML or HTML by its first element, behind declarations and comments."""

    def recognises(path: Path) -> bool:
        text = _head(path).removeprefix(b"\xef\xbb\xbf")
        start = _MARKUP.match(text)
        element = text[start.end() if start else 0 :].lower()
        return element.startswith(roots)

    return recognises


def _is_text(path: Path) -> bool:
    head = _head(path)
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not just a character that the end of the head cuts
            return False
        text = head[: error.start].decode("utf-8-sig")
    return all(character.isprintable() or character in "\t\r\n" for character in text)


def _is_json(path: Path) -> bool:
    return _is_text(path) and _head(path).lstrip()[:1] in (b"{", b"[")


def _is_keras(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return {"config.json", "metadata.json"} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


PNG = FileKind("a PNG image", _starts(b"\x89PNG\r\n\x1a\n"))
GIF = FileKind("a GIF image", _starts(b"GIF87a", b"GIF89a"))
SVG = FileKind("an SVG image", _markup(b"<svg"))
HTML = FileKind("an HTML page", _markup(b"<html"))
TFLITE = FileKind("a TFLite model", _starts(b"TFL3", at=4))
KERAS = FileKind("a Keras model", _is_keras)
JSON = FileKind("a JSON file", _is_json)
CSV = FileKind("a CSV file", _is_text)
TEXT = FileKind("a text file", _is_text)
