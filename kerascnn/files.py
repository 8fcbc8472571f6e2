"""Writing files so that a reader sees the old content, the new content, and nothing in between."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerascnn.errors import OutputExistsError

PathLike = str | os.PathLike[str]


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raises OutputExistsError when `path` exists (an empty folder does not count).

    Also when it cannot be made because something above it is a file: known before the work is done.
    """
    above = next((parent for parent in path.absolute().parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise OutputExistsError(
            f"cannot write {path}: {above} is a file. Nothing was written. Choose another path."
        )
    if overwrite or not path.exists():
        return
    if path.is_dir() and not any(path.iterdir()):
        return
    raise OutputExistsError(
        f"output exists: {path}. Nothing was written. Choose another path or allow overwriting."
    )


@contextlib.contextmanager
def atomic_file(path: PathLike, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it into place if the block succeeds.

    The temporary name keeps the suffix of `path`, for writers that look at it. When the block
    raises (a full disk, an interrupt), the temporary file is removed and `path` is untouched.
    """
    path = Path(path)
    refuse_existing(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: PathLike, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; renames it into place if the block succeeds."""
    path = Path(path)
    refuse_existing(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        replaced = None
        if path.exists():
            replaced = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
            os.replace(path, replaced / "old")
        os.replace(temporary, path)
        if replaced is not None:
            shutil.rmtree(replaced)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: PathLike, text: str, *, overwrite: bool = True) -> None:
    """Writes `text` (UTF-8) atomically."""
    with atomic_file(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
