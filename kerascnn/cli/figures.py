"""How the figures of each task are shown: in one line, as a row, and as a table of details."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kerascnn.cli import console

if TYPE_CHECKING:
    from kerascnn.training.eight_bits import EightBits
    from kerascnn.training.tasks import Measured


def headline(measured: "Measured") -> str:
    """The figures of a split in a few words."""
    from kerascnn.training.metrics import Metrics
    from kerascnn.training.multi_label import MultiLabelMetrics

    if isinstance(measured, Metrics):
        figures = f"accuracy {console.percent(measured.accuracy)}, loss {measured.loss:.4f}"
    elif isinstance(measured, MultiLabelMetrics):
        figures = (
            f"mean average precision {console.percent(measured.mean_average_precision)}, all "
            f"labels right {console.percent(measured.exact_match)}, loss {measured.loss:.4f}"
        )
    else:
        figures = ", ".join(
            f"{name} off by {target.mae:.4g} (R² {number(target.r2)})"
            for name, target in measured.per_target.items()
        )
    return f"{figures}, {measured.images} images"


def eight_bits(found: "EightBits") -> str:
    """What int8 files cost, in a line for each."""
    return "\n".join(
        f"{found.split}, {name}: {headline(measured)}"
        for name, measured in (
            ("float32", found.float32),
            ("int8 made after training", found.after_training),
            ("int8 quantisation-aware", found.aware),
        )
    )


def show(title: str, results: Mapping[str, "Measured"]) -> None:
    """Prints a table with one row per file."""
    from kerascnn.training.metrics import Metrics
    from kerascnn.training.multi_label import MultiLabelMetrics

    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    for name, measured in results.items():
        if isinstance(measured, Metrics):
            columns = ("file", "accuracy", "top-5", "loss", "wrong")
            wrong = (1 - measured.accuracy) * measured.images
            shares = map(console.percent, (measured.accuracy, measured.top5_accuracy))
            rows.append((name, *shares, f"{measured.loss:.4f}", f"{wrong:.0f}"))
        elif isinstance(measured, MultiLabelMetrics):
            columns = ("file", "mAP", "all labels right", "decisions wrong", "loss")
            shares = map(
                console.percent,
                (measured.mean_average_precision, measured.exact_match, measured.hamming_loss),
            )
            rows.append((name, *shares, f"{measured.loss:.4f}"))
        else:
            columns = ("file", "target", "MAE", "RMSE", "R²", "standard deviation")
            rows += [
                (name, target, *map(number, (row.mae, row.rmse, row.r2, row.std)))
                for target, row in measured.per_target.items()
            ]
    console.show_table(title, columns, rows)


def show_details(measured: "Measured") -> None:
    """Prints a table with one row per class or label; the row of a regressor says it all."""
    from kerascnn.training.metrics import Metrics
    from kerascnn.training.multi_label import MultiLabelMetrics

    if isinstance(measured, Metrics):
        classes = [
            (name, *map(console.percent, (row.precision, row.recall)), str(row.images))
            for name, row in measured.per_class.items()
        ]
        console.show_table("per class", ("class", "precision", "recall", "images"), classes)
    elif isinstance(measured, MultiLabelMetrics):
        labels = [
            (
                name,
                *map(console.percent, (row.average_precision, row.precision, row.recall, row.f1)),
                str(row.images),
            )
            for name, row in measured.per_label.items()
        ]
        columns = ("label", "average precision", "precision", "recall", "F1", "images")
        console.show_table("per label, given above 50 %", columns, labels)


def number(value: float | None) -> str:
    """A quantity with four digits."""
    return "-" if value is None else f"{value:.4g}"
