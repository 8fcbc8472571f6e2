"""What the commands show: results on stdout, progress and notes on stderr, nothing else."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import IO, Any, cast

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerascnn.cli.streams import Notes, visible
from kerascnn.tasks.words import percent as percent

UNBOUND_WIDTH = 160


class _Results(Console):
    """Standard output. Rich would end the process with 1 when its reader has gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


# No emoji: ":cat:" in a name is no picture.
out = _Results(highlight=False, emoji=False)
err = Console(file=cast("IO[str]", Notes()), highlight=False, emoji=False)


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
    log.handlers = [_Log()]


class _Log(logging.Handler):
    """Shows what the library logs as notes; warnings in colour."""

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        err.print(visible(record.getMessage()), style=style, markup=False, soft_wrap=True)


def say(message: str) -> None:
    """Writes a result, of one line or several."""
    lines = "\n".join(map(visible, message.split("\n")))
    out.print(lines, markup=False, soft_wrap=True)


def note(message: str) -> None:
    """Writes a line about what is going on."""
    err.print(visible(message), style="dim", markup=False, soft_wrap=True)


def next_steps(*commands: str) -> None:
    """Ends a command with what to try next."""
    err.print("next:", style="bold", end=" ")
    err.print("\n      ".join(map(visible, commands)), markup=False, soft_wrap=True)


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Writes a table: text is aligned to the left, numbers to the right and never broken.

    It is as wide as the terminal or as COLUMNS says; in a file or a pipe, as wide as it needs.

    Args:
        title: Above it.
        columns: Their names; the first one holds text.
        rows: One cell for each column.
        texts: Names of further columns that hold text.
        optional: Names of columns that are left out, in this order, where there is no room.
    """
    console = out
    if not out.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        # Rich takes 80 columns there.
        console = _Results(highlight=False, emoji=False, width=UNBOUND_WIDTH)
    left = [*columns[:1], *texts]
    kept = [*columns]
    for name in (*optional, None):
        table = _table(columns, rows, kept, left, console.width)
        wanted = console.measure(table, options=console.options.update(width=10_000)).maximum
        if name is None or wanted <= console.width:
            break
        kept.remove(name)
    if title:
        out.print(visible(title), style="bold", markup=False, soft_wrap=True)
    console.print(table, width=wanted, crop=False)
    if len(kept) < len(columns):
        gone = ", ".join(name for name in columns if name not in kept)
        note(f"no room for: {gone}. A wider terminal, or COLUMNS=120, shows it.")


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    kept: Sequence[str],
    left: Sequence[str],
    width: int,
) -> Table:
    """The columns that are kept, in the order and the style of all tables."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    places = [place for place, name in enumerate(columns) if name in kept]
    # Names of a usual length stay whole, and the text of other columns is broken at its spaces.
    whole = max((len(row[0]) for row in rows), default=0) <= width // 2
    for place in places:
        breaks = columns[place] in left and not (place == 0 and whole)
        table.add_column(
            Text(visible(columns[place])),
            justify="left" if columns[place] in left else "right",
            overflow="fold",
            no_wrap=not breaks,
        )
    for row in rows:
        table.add_row(*(Text("\n".join(map(visible, row[p].split("\n")))) for p in places))
    return table


def show_json(value: Any) -> None:
    """Writes a value as JSON, for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def size(count: int) -> str:
    """A number of bytes as KB or MB, in powers of 1000."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"
