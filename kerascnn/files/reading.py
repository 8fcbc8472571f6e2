"""Reading what a user names: regular files of a size that can be."""

import codecs
import errno
from pathlib import Path

from kerascnn.errors import InputError, KerascnnError
from kerascnn.files.paths import PathLike, user_path
from kerascnn.files.regular import NotAFileError, open_regular, require_regular

# Byte order marks and the encodings that they tell.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def check_file(
    path: PathLike,
    what: str = "file",
    *,
    most: int | None = None,
    error: type[KerascnnError] = InputError,
) -> Path:
    """The path of a regular file, for a library that opens it.

    Pipes, devices and sockets are refused before they are opened: reading one may never end.

    Args:
        path: As the user gave it; `~` is the home folder.
        what: What is expected, such as "weight file", for messages.
        most: Bytes that it may have.
        error: What to raise.

    Raises:
        KerascnnError: `error`: no such file, no regular file, or one that is too large.
    """
    found = user_path(path, what)
    try:
        size = require_regular(found).st_size
    except OSError as reason:
        raise _unreadable(found, what, reason, error) from reason
    if most is not None and size > most:
        raise _too_large(found, what, most, error)
    return found


def read_bytes(
    path: PathLike,
    what: str = "file",
    *,
    most: int | None = None,
    error: type[KerascnnError] = InputError,
) -> bytes:
    """The content of a regular file; arguments and errors are those of `check_file`."""
    found = check_file(path, what, most=most, error=error)
    try:
        with open_regular(found) as file:
            content = file.read(-1 if most is None else most + 1)
    except OSError as reason:
        raise _unreadable(found, what, reason, error) from reason
    if most is not None and len(content) > most:
        raise _too_large(found, what, most, error)
    return content


def read_text(
    path: PathLike,
    what: str = "file",
    *,
    most: int | None = None,
    error: type[KerascnnError] = InputError,
) -> str:
    """The content of a regular file of UTF-8 text, with or without a byte order mark.

    Arguments and errors are those of `check_file`; what is not UTF-8 is one of them.
    """
    try:
        return read_bytes(path, what, most=most, error=error).decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise error(f"{path} is not UTF-8 text ({reason.reason}). Save it as UTF-8.") from reason


def _too_large(path: Path, what: str, most: int, error: type[KerascnnError]) -> KerascnnError:
    return error(f"{path} is larger than a {what} can be: more than {most:,} bytes.")


def _unreadable(
    path: Path, what: str, reason: OSError, error: type[KerascnnError]
) -> KerascnnError:
    if isinstance(reason, NotAFileError):
        return error(f"{path} is {reason}. Give the path of a {what}.")
    if reason.errno in (errno.ENOENT, errno.ENOTDIR):
        return error(f"no such {what}: {path}.")
    return error(f"cannot read {path}: {reason.strerror or reason}. Give the path of a {what}.")


def text_encoding(content: bytes) -> str:
    """The encoding of a text file: UTF-8, or what its byte order mark says."""
    return next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
