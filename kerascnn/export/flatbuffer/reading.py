"""The bytes of a `.tflite` file, and errors about them in one line."""

from kerascnn.files import PathLike, read_bytes, user_path

_LARGEST = 1 << 33  # bytes of a model: offsets in it have 31 bits, its constants may lie behind


def read(path_or_bytes: PathLike | bytes) -> tuple[bytes, str]:
    """(content, name for messages) of a file or of bytes.

    Raises:
        InputError: The file is missing, no regular file, unreadable or too large.
    """
    if isinstance(path_or_bytes, bytes | bytearray | memoryview):
        return bytes(path_or_bytes), "the model"
    path = user_path(path_or_bytes)
    return read_bytes(path, ".tflite file", most=_LARGEST), str(path)


def one_line(error: Exception) -> str:
    """The message of an error without its line breaks and final full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
