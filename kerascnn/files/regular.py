"""Opening regular files, and nothing that waits or never ends."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotAFileError(OSError):
    """A path of something else than a regular file; the message says of what."""


def open_regular(path: Path) -> BinaryIO:
    """Opens a regular file, or what a link leads to, for reading.

    Raises:
        NotAFileError: A folder, named pipe, socket or device; it is never waited for.
        OSError: A file that cannot be opened.
    """
    require_regular(path)  # before it is opened: to open some devices is to act on them
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse(os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def require_regular(path: Path) -> os.stat_result:
    """The status of a regular file, or of what a link leads to.

    Raises:
        NotAFileError: As of `open_regular`.
        OSError: No such file, or one that cannot be looked at.
    """
    status = os.stat(path)
    _refuse(status.st_mode)
    return status


def _refuse(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAFileError(f"{_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file")
