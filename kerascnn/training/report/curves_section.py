"""Loss, a metric and the learning rate over the epochs."""

from typing import Any

from kerascnn.pages import frame
from kerascnn.pages.charts import Band, Line, line_chart
from kerascnn.training.report.history import Rows, best_epoch, column

ACCURACY = ("accuracy", "Accuracy")


def curves_section(
    rows: Rows, curve: tuple[str, str] | None = ACCURACY, monitor: str = "val_accuracy"
) -> str:
    """The section, or nothing without a history.

    Args:
        rows: The history.
        curve: A column beside the loss, and its title.
        monitor: The column that decides which epoch is the best; "" for the loss.
    """
    if not rows:
        return ""
    bands, best = _phases(rows), best_epoch(rows, monitor)
    charts = []
    for name, title in filter(None, (("loss", "Loss"), curve)):
        lines = [
            Line(label, *column(rows, key), style)
            for key, label, style in (
                (name, "training", "first"),
                (f"val_{name}", "validation", "second"),
            )
            if column(rows, key)[0]
        ]
        if lines:
            charts.append(line_chart(title, lines, "epoch", bands=bands, marked=best))
    epochs, rates = column(rows, "learning_rate")
    if epochs:
        line = Line("learning rate", epochs, rates)
        charts.append(line_chart("Learning rate", [line], "epoch", bands=bands, from_zero=True))
    about = f"{len(rows)} epoch{'s' if len(rows) > 1 else ''}."
    if best is not None:
        about += f" The dashed line marks epoch {best:g}, the best on the validation images."
    return frame.section("Training", f'<div class="plots">{"".join(charts)}</div>', about=about)


def _phases(rows: Rows) -> list[Band]:
    """Stretches of epochs with the same entry "phase", if there is more than one."""
    found: list[tuple[Any, float, float]] = []
    for row in rows:
        phase, epoch = row.get("phase"), float(row["epoch"])
        if found and found[-1][0] == phase:
            found[-1] = (phase, found[-1][1], epoch)
        else:
            found.append((phase, epoch, epoch))
    if len(found) < 2:
        return []
    first, last = float(rows[0]["epoch"]), float(rows[-1]["epoch"])
    return [
        Band(_named(phase), max(first, start - 0.5), min(last, end + 0.5))
        for phase, start, end in found
    ]


def _named(phase: Any) -> str:
    if phase is None:
        return ""
    return phase if isinstance(phase, str) else f"phase {phase:g}"
