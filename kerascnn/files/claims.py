"""One writer for one output: locks that end with their process, and what killed writers left.

Whoever writes OUT holds a lock on the file `.OUT.kerascnn-lock` beside it, and keeps temporary
files beside it under names `.OUT.kerascnn-...`. The lock is a record lock (`fcntl.lockf`): the
kernel drops it when the process ends in whatever way, forked children do not inherit it, and it
works across machines on network file systems. So a temporary file whose lock can be had belongs to
a process that is dead, and is removed by the next that writes into the same folder.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kerascnn.errors import OutputInUseError
from kerascnn.files.kinds import LEFTOVER

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCK, _REPLACED = "lock", "replaced"
_LONGEST = 100  # bytes of a name that stand in names made from it; file systems take 255
# Somebody who only removes leftovers holds a lock for an instant.
_TRIES, _PAUSE = 20, 0.05
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@dataclass
class _Held:
    """A lock of this process, and how many blocks hold it."""

    descriptor: int
    file: Path
    blocks: int


_held: dict[Path, _Held] = {}
_guard = threading.RLock()


def _forget() -> None:
    """A forked process holds nothing, not even the guard of a thread that it does not have."""
    global _guard
    _guard = threading.RLock()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextlib.contextmanager
def claim(path: Path) -> Iterator[None]:
    """Holds the right to write `path` while open; blocks of one process share it.

    What processes that are dead left in the same folder is removed, and what they moved out of the
    way is put back.

    Raises:
        OutputInUseError: Another process is writing it.
    """
    path = real(path)
    owner = os.getpid()
    with _guard:
        made = [] if path in _held else _make_parents(path)
        try:
            _acquire(path)
        except BaseException:
            _remove_empty(made)
            raise
    try:
        yield
    finally:
        if os.getpid() == owner:  # not in a process that was forked inside
            with _guard:
                _release(path)
                _remove_empty(made)


def real(path: Path) -> Path:
    """The place that a path leads to, through links; the same for all spellings."""
    return Path(os.path.realpath(path))


def home(path: Path) -> Path:
    """The folder for the lock and the temporary files of `path`: the one that holds it.

    A folder that cannot be renamed, because it is a mount point or its own folder is not ours to
    write, holds them itself.
    """
    fixed = path.is_dir() and (os.path.ismount(path) or not os.access(path.parent, os.W_OK))
    return path if fixed else path.parent


def temporary_name(path: Path, suffix: str = "") -> Path:
    """A new name beside `path`, which counts as a leftover once the claim on `path` is over."""
    return home(path) / f".{_short(path.name)}.kerascnn-{secrets.token_hex(4)}{suffix}"


def replaced_name(path: Path) -> Path:
    """Where a folder waits while another takes its place; it is put back if none did."""
    return home(path) / f".{_short(path.name)}.kerascnn-{_REPLACED}"


def sweep(folder: Path) -> None:
    """Removes from a folder what dead processes left there."""
    with _guard:
        for name, found in _leftovers(folder).items():
            _sweep(folder, name, found)


def _leftovers(folder: Path) -> dict[str, list[Path]]:
    """Temporary files and locks in a folder, by the short names they were made from."""
    found: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and (match := LEFTOVER.fullmatch(entry.name)):
                found.setdefault(match["name"], []).append(Path(entry.path))
    return found


def _sweep(folder: Path, name: str, found: list[Path]) -> None:
    lock = folder / f".{name}.kerascnn-{_LOCK}"
    if any(held.file == lock for held in _held.values()):
        return
    try:
        descriptor = _try_lock(lock)
    except OSError:  # not ours to write, or a file system without locks: nobody knows who lives
        return
    if descriptor is None:
        return
    try:
        for path in found:
            _remove(path, folder)
    finally:
        _unlock(descriptor, lock)


def _remove(path: Path, folder: Path) -> None:
    """Removes a leftover; of folders that waited to be replaced, nothing is lost."""
    if path.name.endswith(f".kerascnn-{_LOCK}"):
        return
    if path.name.endswith(f".kerascnn-{_REPLACED}"):
        for waiting in [*path.iterdir()] if path.is_dir() else []:
            if not (folder / waiting.name).exists():
                os.replace(waiting, folder / waiting.name)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _acquire(path: Path) -> None:
    if path in _held:
        _held[path].blocks += 1
        return
    folder, name = home(path), _short(path.name)
    lock = folder / f".{name}.kerascnn-{_LOCK}"
    try:
        descriptor = _lock(lock, path)
        has_locks = True
    except OSError as error:
        if isinstance(error, OutputInUseError):
            raise
        if error.errno not in _NO_LOCKS:  # of `path`, which the user knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        lock.unlink(missing_ok=True)
        # A file system without locks: the machine's own can still tell its processes apart.
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        lock = Path(tempfile.gettempdir()) / f".{digest}.kerascnn-{_LOCK}"
        descriptor, has_locks = _lock(lock, path), False
    _held[path] = _Held(descriptor, lock, 1)
    for other, found in _leftovers(folder).items():
        if other == name:
            for leftover in found:
                _remove(leftover, folder)
        elif has_locks:
            _sweep(folder, other, found)


def _release(path: Path) -> None:
    held = _held[path]
    held.blocks -= 1
    if not held.blocks:
        del _held[path]
        _unlock(held.descriptor, held.file)


def _lock(lock: Path, path: Path) -> int:
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE)
        descriptor = _try_lock(lock)
        if descriptor is not None:
            return descriptor
    raise OutputInUseError(
        f"{path} is being written by another process{_holder(lock)}. Nothing was written. Wait "
        "until it ends, or choose another path."
    )


def _try_lock(lock: Path) -> int | None:
    """The descriptor of a locked file, made if need be; None if another process has it."""
    while True:
        # No links: in a folder that all may write, one could lead to a file of the user's.
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if not _lock_file(descriptor):
                os.close(descriptor)
                return None
            if _is(descriptor, lock):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last owner removed it before we had it


def _lock_file(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def _is(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    except FileNotFoundError:
        return False


def _unlock(descriptor: int, lock: Path) -> None:
    # Removed while it is held: who opened it before will see that it is gone.
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _holder(lock: Path) -> str:
    try:
        number = lock.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return f" (number {number})" if number.isdecimal() else ""


def _short(name: str) -> str:
    """`name`, or a hash of it where names made from it would be too long."""
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST else hashlib.sha256(data).hexdigest()[:32]


def _make_parents(path: Path) -> list[Path]:
    """Makes the folders above `path`; those that were not there, the deepest first."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
