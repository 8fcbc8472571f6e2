"""`kerascnn models`."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import checks, console, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kerascnn.catalog import Entry


@click.command(short_help="List the architectures.")
@click.argument("pattern", default="*")
@click.option(
    "--plot", metavar="FILE.png", help="Draw published accuracy against operations, with sizes."
)
@options.overwrite
@options.as_json
def command(pattern: str, plot: str | None, overwrite: bool, as_json: bool) -> None:
    """List the architectures whose names match PATTERN, such as "resnet*".

    Parameters are the trainable ones, GMACs are thousands of millions of multiply-accumulate
    operations for one image of the input size, top-1 is the published accuracy on ImageNet in
    percent, weights are those that can be fetched.
    """
    from kerascnn import catalog
    from kerascnn.errors import InputError
    from kerascnn.files import PNG

    names = catalog.list_models(pattern, task=None)
    if not names:
        raise InputError(
            f"no model matches {pattern!r}. Patterns are those of file names, such as 'resnet*'; "
            "`kerascnn models` lists all."
        )
    entries = [catalog.find(name) for name in names]
    if plot is not None:
        checks.check_output(plot, PNG, overwrite, (".png",), "--plot")
        _draw(entries, plot)
    if as_json:
        _show_json(entries)
    else:
        _show_table(entries)
        if plot is not None:
            console.say(f"figure: {plot}")
        console.next_steps(
            f"kerascnn summary {names[0]}", f"kerascnn train YOUR_PHOTOS --model {names[0]}"
        )


def _show_json(entries: "Sequence[Entry]") -> None:
    from dataclasses import asdict

    console.show_json([asdict(entry) for entry in entries])


def _show_table(entries: "Sequence[Entry]") -> None:
    rows = [
        (
            entry.name,
            str(entry.year),
            f"{entry.params:,}",
            _giga(entry.macs),
            "x".join(map(str, entry.input_shape)),
            "-" if entry.top1 is None else f"{entry.top1:.1f}",
            ", ".join(dict.fromkeys(tag.partition("/")[0] for tag in entry.weights)) or "-",
        )
        for entry in entries
    ]
    columns = ("name", "year", "parameters", "GMACs", "input", "top-1", "weights")
    console.show_table("", columns, rows, texts=("weights",))
    console.say(f"{len(entries)} model{'s' if len(entries) > 1 else ''}")


def _giga(macs: int) -> str:
    giga = macs / 1e9
    return f"{giga:.3f}" if giga >= 0.01 else f"{giga:.5f}"


def _draw(entries: "Sequence[Entry]", path: str) -> None:
    from kerascnn.errors import InputError
    from kerascnn.visualize import ZooPoint, plot_zoo

    points = [
        ZooPoint(entry.name, entry.family, entry.macs, entry.params, entry.top1)
        for entry in entries
        if entry.top1 is not None
    ]
    if not points:
        raise InputError("none of these models has a published accuracy on ImageNet to plot.")
    plot_zoo(points, path)
