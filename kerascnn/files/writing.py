"""Writing so that a reader sees the old content, the new content, and nothing in between."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kerascnn.errors import InputError, OutputExistsError
from kerascnn.files.claims import claim, home, real, replaced_name, temporary_name
from kerascnn.files.kinds import FileKind, FolderKind, Kind, entries
from kerascnn.files.paths import PathLike, user_path

_SUFFIX = 16  # letters of a suffix that temporary names keep


def refuse_existing(path: PathLike, kind: Kind, overwrite: bool = False) -> None:
    """Raises unless `path` is free to be written, which is known before the work is done.

    A path that does not exist and an empty folder are free. With `overwrite`, what is of the same
    kind may be replaced: a folder of this kind with nothing else in it, a file of this kind, or an
    empty one.

    Raises:
        OutputExistsError: There is something that may not be replaced, or something above it is a
            file.
        InputError: A name that file systems do not take.
    """
    path = user_path(path, "path to write")
    try:
        _refuse(path, kind, overwrite)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise InputError(
            f"cannot write {path}: the name is too long. File systems take 255 bytes for each name "
            "and about 4,000 for all of the path."
        ) from error


def _refuse(path: Path, kind: Kind, overwrite: bool) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.stat(path)
    above = next((parent for parent in path.absolute().parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise OutputExistsError(
            f"cannot write {path}: {above} is a file. Nothing was written. Choose another path."
        )
    if not path.exists():
        return
    if isinstance(kind, FileKind):
        problem = _other_file(path, kind)
    elif not path.is_dir():
        problem = f"it is a file, not {kind.name}"
    elif next(entries(path), None) is None:
        return
    else:
        problem = _other_folder(path, kind)
    if problem:
        raise OutputExistsError(
            f"{path} is not replaced: {problem}. Nothing was written. Choose another path, or move "
            "away what is there."
        )
    if not overwrite:
        raise OutputExistsError(
            f"output exists: {path}. Nothing was written. Choose another path"
            f"{getattr(kind, 'advice', '')}, or allow it to be replaced: overwrite=True, on the "
            "command line --overwrite."
        )


def _other_file(path: Path, kind: FileKind) -> str:
    """Why what is there is no file of this kind; "" if it is one, or empty."""
    if path.is_dir():
        return f"it is a folder, not {kind.name}"
    if not path.is_file():
        return f"it is no regular file, and {kind.name} would be written"
    if not path.stat().st_size or kind.recognises(path):
        return ""
    return f"it is not {kind.name}, which would be written"


def _other_folder(path: Path, kind: FolderKind) -> str:
    """Why what is there is no folder of this kind, or more than one."""
    if not kind.recognises(path):
        first = next(entries(path), "")
        return f"it is not {kind.name} (it holds {first!r}), which would be written"
    foreign = kind.foreign(path)
    return "" if foreign is None else f"it is {kind.name}, but {foreign!r} in it is not part of it"


@contextlib.contextmanager
def atomic_file(path: PathLike, kind: FileKind, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it into place if the block succeeds.

    The temporary name keeps the suffix of `path`, for writers that look at it. When the block
    raises (a full disk, an interrupt), the temporary file is removed and `path` is untouched.
    A link is followed: what it leads to is replaced.

    Args:
        path: The file to write.
        kind: What it will be; nothing of another kind is replaced.
        overwrite: Whether a file of this kind may be replaced.

    Raises:
        OutputExistsError: As `refuse_existing`.
        OutputInUseError: Another process is writing it.
    """
    refuse_existing(path, kind, overwrite)
    place = real(user_path(path))
    with claim(place):
        refuse_existing(path, kind, overwrite)  # a dead process may have moved it out of the way
        temporary = temporary_name(place, place.suffix if len(place.suffix) < _SUFFIX else "")
        try:
            # The mode is that of other new files, or that of the file which is replaced.
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            yield temporary
            refuse_existing(path, kind, overwrite)
            if place.exists():
                shutil.copymode(place, temporary)
            os.replace(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: PathLike, kind: FolderKind, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; renames it into place if the block succeeds.

    Arguments and errors are those of `atomic_file`.
    """
    refuse_existing(path, kind, overwrite)
    place = real(user_path(path))
    with claim(place):
        refuse_existing(path, kind, overwrite)
        temporary = temporary_name(place)
        try:
            temporary.mkdir()
            yield temporary
            refuse_existing(path, kind, overwrite)
            if home(place) == place:
                _move_into(temporary, place, kind)
            elif place.exists() and any(place.iterdir()):
                _change_places(temporary, place)
            else:
                os.replace(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _change_places(new: Path, place: Path) -> None:
    """Puts a folder in the place of another, which is removed."""
    waiting = replaced_name(place)
    waiting.mkdir()
    os.replace(place, waiting / place.name)
    try:
        os.replace(new, place)
    except OSError:
        os.replace(waiting / place.name, place)
        raise
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _move_into(new: Path, place: Path, kind: FolderKind) -> None:
    """Fills a folder that cannot be renamed, such as a mount point, with what is in another.

    The mark of the kind goes last and comes first: a folder on the way is known for what it is.
    """
    old = [path for path in place.iterdir() if path != new and path.name != kind.mark]
    for path in [*old, place / kind.mark]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in sorted(new.iterdir(), key=lambda path: path.name != kind.mark):
        os.replace(path, place / path.name)


def write_text(path: PathLike, text: str, kind: FileKind, *, overwrite: bool = True) -> None:
    """Writes `text` atomically, as UTF-8; halves of characters, from odd file names, are escaped.

    Arguments and errors are those of `atomic_file`.
    """
    with atomic_file(path, kind, overwrite=overwrite) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
