"""Finding the images of a folder: which class and which split each file belongs to."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kerascnn.errors import DataError

logger = logging.getLogger("kerascnn.data")

_IMAGE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
        ".avif",
        ".mpo",
        ".heic",
        ".heif",
    }
)
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})

ARRANGEMENT = (
    "Put the images of each class into a folder of its own: SOURCE/cat/1.jpg, SOURCE/dog/2.jpg "
    "(or SOURCE/train/cat/..., SOURCE/validation/cat/..., SOURCE/test/cat/...)."
)


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A file that may be an image of a class. `key` is its path below the split, with "/"."""

    path: Path
    key: str
    split: str  # "train" for a folder that is not split yet
    label: int


@dataclass(frozen=True)
class Listing:
    """The files of a folder of class folders, in the order split, class, path."""

    class_names: tuple[str, ...]
    splits: tuple[str, ...]  # ("train",) for a folder that is not split yet
    candidates: tuple[Candidate, ...]
    strays: tuple[SkippedFile, ...]


def looks_like_an_image(path: Path) -> bool:
    """Returns whether the file's name claims that it is an image."""
    return path.suffix.lower() in _IMAGE_SUFFIXES


def list_folder(root: Path) -> Listing:
    """Returns the files in the class folders of `root`, without opening any.

    Raises:
        DataError: `root` is missing, a file, empty, without class folders or with only one, or its
            train/validation/test folders do not hold the same classes.
    """
    if not root.is_dir():
        raise DataError(f"{root} is a file, a folder of class folders was expected. {ARRANGEMENT}")
    folders, files = _children(root)
    strays = [SkippedFile(path, "outside the class folders") for path in files]
    split_folders = _split_folders(root, folders)
    if split_folders is None:
        split_folders = {"train": root}
    class_names: tuple[str, ...] = ()
    candidates: list[Candidate] = []
    for split, folder in split_folders.items():
        class_folders, files = _children(folder)
        if folder != root:
            strays += [SkippedFile(path, "outside the class folders") for path in files]
        names = tuple(path.name for path in class_folders)
        _check_classes(folder, names, files)
        if class_names and names != class_names:
            raise DataError(
                f"{folder} does not hold the same classes as {split_folders['train']}: missing "
                f"{sorted(set(class_names) - set(names)) or 'none'}, extra "
                f"{sorted(set(names) - set(class_names)) or 'none'}. Every split needs all classes."
            )
        class_names = names
        for label, class_folder in enumerate(class_folders):
            for path in _files_below(class_folder, strays):
                key = path.relative_to(folder).as_posix()
                candidates.append(Candidate(path, key, split, label))
    return Listing(class_names, tuple(split_folders), tuple(candidates), tuple(strays))


def _children(folder: Path) -> tuple[list[Path], list[Path]]:
    """Returns sub-folders (sorted whatever their case) and other entries, hidden ones left out."""
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from error
    entries.sort(key=lambda path: (path.name.casefold(), path.name))
    folders = [path for path in entries if path.is_dir() and path.name not in _SYSTEM_FOLDERS]
    return folders, [path for path in entries if not path.is_dir()]


def _split_folders(root: Path, folders: list[Path]) -> dict[str, Path] | None:
    """Returns the folder of each split if `root` is split already, else None."""
    roles = [SPLIT_NAMES.get(path.name.lower()) for path in folders]
    if "train" not in roles or None in roles:
        return None
    if not any(_children(path)[0] for path in folders):
        return None  # folders of images that happen to be called "train" and "test": classes
    found: dict[str, Path] = {}
    for role, path in zip(roles, folders, strict=True):
        if role in found:
            raise DataError(f"{root} has two folders for one split: {found[role]} and {path}.")
        found[str(role)] = path
    return {role: found[role] for role in ("train", "validation", "test") if role in found}


def _check_classes(folder: Path, names: tuple[str, ...], files: list[Path]) -> None:
    if not names and not files:
        raise DataError(f"{folder} is empty. {ARRANGEMENT}")
    if not names:
        images = sum(looks_like_an_image(path) for path in files)
        raise DataError(
            f"{folder} has no class folders; {images} image file(s) lie directly in it. "
            f"{ARRANGEMENT}"
        )
    if len(names) == 1:
        raise DataError(
            f"{folder} has only one class folder, {names[0]!r}; at least two classes are needed. "
            f"{ARRANGEMENT}"
        )
    for name in names:
        if not name.isprintable():  # surrogates of undecodable names included
            raise DataError(f"the class folder {folder / name!r} needs a name of plain text.")


def _files_below(top: Path, strays: list[SkippedFile]) -> Iterator[Path]:
    """Yields the files below `top` in the order of their paths; links to folders are followed.

    Each real folder is visited once, so that links in a circle end.
    """

    def note_unreadable(error: OSError) -> None:
        strays.append(SkippedFile(Path(str(error.filename)), f"cannot be read: {error.strerror}"))

    visited: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(top, followlinks=True, onerror=note_unreadable):
        status = os.stat(parent)
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            folders.clear()
            continue
        visited.add(identity)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SYSTEM_FOLDERS
        )
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(parent, name)
            if path.is_file():
                yield path
            else:
                reason = "broken link" if path.is_symlink() else "not a regular file"
                strays.append(SkippedFile(path, reason))
