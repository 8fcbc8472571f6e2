"""Text of the user: bounded in messages, read from files whatever their byte order mark."""

from pathlib import Path

from kerascnn import files
from kerascnn.errors import DataError
from kerascnn.names import shown


def read_bytes(path: Path) -> bytes:
    """Returns the content of a regular file; nothing else is opened, so nothing is waited for.

    Raises:
        DataError: It does not exist, is no regular file or may not be read.
    """
    return files.read_bytes(path, "annotation file", error=DataError)


def decode_text(content: bytes, path: Path) -> str:
    """Returns bytes as text: UTF-8, or what their byte order mark says.

    Raises:
        DataError: They are no such text.
    """
    encoding = files.text_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        name = encoding.removesuffix("-sig").upper()
        raise DataError(
            f"{shown(path)} is not {name} text (line {line}: {error.reason}). Save it as UTF-8."
        ) from error


def read_text(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        DataError: It cannot be read, or is no text.
    """
    return decode_text(read_bytes(path), path)


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a text file without the space around them; empty ones are left out."""
    return [stripped for line in read_text(path).splitlines() if (stripped := line.strip())]
