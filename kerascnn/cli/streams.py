"""Standard streams that take whatever is written to them, and text that shows what is in it."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

# What a terminal would obey, and what no encoding can hold: halves of characters from odd names.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LINE = 300  # characters of a message


def set_up() -> None:
    """Opens streams that are closed, and lets none refuse a character that it cannot show.

    A closed descriptor would be given to the next file that is opened, which then got what
    libraries print.
    """
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            continue
        os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class Notes:
    """Standard error, for what may be lost: nobody listening is no reason to stop."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return sys.stderr.isatty()
        return False

    def fileno(self) -> int:
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:
        return sys.stderr.encoding or "ascii"


@contextlib.contextmanager
def hidden_stderr() -> Iterator[None]:
    """Keeps the file descriptor quiet; shows what was written if the block raises."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(saved, hidden.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def discard(stream: IO[str]) -> None:
    """Lets go of a stream that cannot be written, so that the interpreter does not try again."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def visible(text: str) -> str:
    """`text` with control characters as escapes, so that it is one line and nothing else."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def cut(line: str, most: int = LINE) -> str:
    """A line of at most `most` characters; what is left out is in its middle."""
    if len(line) <= most:
        return line
    tail = most // 3
    return f"{line[: most - tail - 5]} ... {line[-tail:]}"
