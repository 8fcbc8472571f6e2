"""How figures are shown: in one line, as rows of a table, and as a table of details."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kerascnn.cli import console

if TYPE_CHECKING:
    from kerascnn.tasks import Metrics
    from kerascnn.training.eight_bits import EightBits


def eight_bits(found: "EightBits") -> str:
    """What int8 files cost, in a line for each."""
    return "\n".join(
        f"{found.split}, {name}: {measured.headline()}"
        for name, measured in (
            ("float32", found.float32),
            ("int8 made after training", found.after_training),
            ("int8 quantisation-aware", found.aware),
        )
    )


def show(title: str, results: Mapping[str, "Metrics"]) -> None:
    """Prints a table with a row, or a few, for each file."""
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    for name, measured in results.items():
        columns, own = measured.rows()
        rows += [(name, *row) for row in own]
    console.show_table(title, ("file", *columns), rows)


def show_details(measured: "Metrics") -> None:
    """Prints a table with one row per class or label, where the task has one."""
    details = measured.details()
    if details is not None:
        console.show_table(*details)
