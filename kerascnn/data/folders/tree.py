"""Walking through folders as they come from other people and systems."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kerascnn.data.folders.skipped import SkippedFile, looks_like_an_image
from kerascnn.errors import DataError
from kerascnn.names import shown

_SYSTEM_FOLDERS = frozenset(
    {
        "__MACOSX",
        "@eaDir",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "#recycle",
        "__pycache__",
    }
)
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})


def children(folder: Path) -> tuple[list[Path], list[Path]]:
    """Returns sub-folders (sorted whatever their case) and other entries.

    Hidden ones and those of the operating system are left out.

    Raises:
        DataError: A folder that may not be read.
    """
    folders, files = list[Path](), list[Path]()
    for name, is_folder in _entries(folder):
        (folders if is_folder else files).append(folder / name)

    def order(path: Path) -> tuple[str, str]:
        return path.name.casefold(), path.name

    return sorted(folders, key=order), sorted(files, key=order)


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yields the name of each entry and whether it is a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = _is_folder(entry)
                known = entry.name in _SYSTEM_FOLDERS if is_folder else _is_system_file(entry.name)
                if not known and not entry.name.startswith("."):
                    yield entry.name, is_folder
    except OSError as error:
        raise DataError(
            f"the folder {shown(folder)} cannot be read: {error.strerror}. Allow it to be read, or "
            "remove it."
        ) from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_system_file(name: str) -> bool:
    return name.lower() in _SYSTEM_FILES


def walk(top: Path, skipped: list[SkippedFile] | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Yields each folder at or below `top` and its files, both in the order of their names.

    Links to folders are followed; each real folder is visited once, so that links in a circle end.

    Args:
        top: The folder to begin with.
        skipped: Gets the folders that may not be read.
    """

    def note_unreadable(error: OSError) -> None:
        if skipped is not None:
            reason = f"folder that cannot be read: {error.strerror}"
            skipped.append(SkippedFile(Path(os.fspath(error.filename)), reason, is_folder=True))

    visited: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(top, followlinks=True, onerror=note_unreadable):
        try:
            status = os.stat(parent)
        except OSError as error:
            folders.clear()
            note_unreadable(error)
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            folders.clear()
            continue
        visited.add(identity)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SYSTEM_FOLDERS
        )
        kept = (name for name in files if not name.startswith("."))
        yield Path(parent), sorted(name for name in kept if not _is_system_file(name))


def has_images(folder: Path) -> bool:
    """Returns whether images lie in a folder itself, going by their names."""
    return any(may_be_an_image(name) and not is_folder for name, is_folder in _entries(folder))


def holds_images(folder: Path) -> bool:
    """Returns whether images lie in a folder or somewhere below it, going by their names."""
    return any(may_be_an_image(name) for _, files in walk(folder) for name in files)


def may_be_an_image(name: str) -> bool:
    """Returns whether a file of such a name may be an image; those without a suffix may."""
    path = Path(name)
    return looks_like_an_image(path) or (not path.suffix and not path.name.isupper())


def why_not_a_file(path: Path) -> str | None:
    """Returns why a path is not a regular file to open, None if it is one."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return "broken link" if path.is_symlink() else f"cannot be read: {error.strerror}"
    return None if stat.S_ISREG(mode) else "not a regular file"
