"""What the commands show: results on stdout, progress and notes on stderr, nothing else."""

import contextlib
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from kerascnn.tasks.words import percent as percent

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
UNBOUND_WIDTH = 160


def set_up(debug: bool) -> None:
    """Chooses what is heard: kerascnn's own notes always, libraries only with `debug`."""
    if debug:
        logging.basicConfig(level=logging.INFO)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    log = logging.getLogger("kerascnn")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [_Notes()]


class _Notes(logging.Handler):
    """Shows what the library logs as notes; warnings in colour."""

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        err.print(record.getMessage(), style=style, markup=False, soft_wrap=True)


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras without the lines that their C++ parts write to stderr."""
    with _hidden_stderr():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _hidden_stderr() -> Iterator[None]:
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


def say(message: str) -> None:
    """Writes a result line."""
    out.print(message, markup=False, soft_wrap=True)


def note(message: str) -> None:
    """Writes a line about what is going on."""
    err.print(message, style="dim", markup=False, soft_wrap=True)


def next_steps(*commands: str) -> None:
    """Ends a command with what to try next."""
    err.print("next:", style="bold", end=" ")
    err.print("\n      ".join(commands), markup=False, soft_wrap=True)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table; every column but the first is right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def show_wide(table: Table) -> None:
    """Writes a table with room for its rows, also where nothing tells how wide the output may be.

    Rich takes 80 columns for a file or a pipe, and would break names and numbers to fit.
    """
    wide = out if out.is_terminal else Console(highlight=False, width=UNBOUND_WIDTH)
    wide.print(table)


def show_json(value: Any) -> None:
    """Writes a value as JSON, for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def size(count: int) -> str:
    """A number of bytes as KB or MB, in powers of 1000."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"
