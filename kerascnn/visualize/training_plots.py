"""Learning curves, learning-rate tests and confusion matrices, as PNG files."""

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kerascnn.errors import InputError
from kerascnn.files import PNG, PathLike, atomic_file
from kerascnn.inputs.arrays import numbers as array_of_numbers
from kerascnn.inputs.arrays import received
from kerascnn.visualize.history import Rows, as_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAIN, VALIDATION = "#2563eb", "#d97706"
TITLES = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "binary_accuracy": "Accuracy of single decisions",
    "mae": "Mean absolute error",
    "map": "Mean average precision",
    "ap50": "Average precision at an overlap of 0.5",
}
# Above this many classes the cells are too small for numbers, and the labels for names.
READABLE_CLASSES = 20


class RateTest(Protocol):
    """What `plot_learning_rates` draws; `kerascnn.transfer.LearningRateCurve` is one."""

    @property
    def rates(self) -> Sequence[float]: ...
    @property
    def losses(self) -> Sequence[float]: ...
    @property
    def smoothed(self) -> Sequence[float]: ...
    @property
    def suggestion(self) -> float: ...


def plot_history(history: Any, path: PathLike) -> None:
    """Draws the loss and what else was measured, per epoch.

    Args:
        history: Rows with epoch, loss, and other figures, each perhaps also with `val_`: such as
            accuracy and val_accuracy. Or what `model.fit`, `fine_tune` or `train` returned.
        path: The PNG file to write; a PNG image there is replaced, nothing else.

    Raises:
        InputError: No epochs, or no losses in them.
    """
    from matplotlib.ticker import MaxNLocator

    rows = as_rows(history)
    if not rows or not all(isinstance(row.get("loss"), numbers.Real) for row in rows):
        raise InputError(
            "expected a history of at least one epoch, each with its loss. Received: "
            f"{received(history)}."
        )
    epochs = [row["epoch"] for row in rows]
    validated = all("val_loss" in row for row in rows)
    decides = next((name for name in ("val_accuracy", "val_map") if name in rows[0]), "")
    best = max(rows, key=lambda row: (row.get(decides, 0.0), -row.get("val_loss", 0.0)))
    names = _compared(rows) if validated else _measured(rows)
    figure = _figure(4.5 * max(2, len(names)), 3.6)
    for position, name in enumerate(names, 1):
        axes = figure.add_subplot(1, len(names), position)
        if name in rows[0]:
            axes.plot(epochs, [row[name] for row in rows], color=TRAIN, label="training", lw=1.8)
        if validated:
            values = [row[f"val_{name}"] for row in rows]
            axes.plot(epochs, values, color=VALIDATION, label="validation", lw=1.8)
            axes.plot(best["epoch"], best[f"val_{name}"], "o", color=VALIDATION, ms=6)
            axes.annotate(
                f"kept: epoch {int(best['epoch'])}, {best[f'val_{name}']:.4f}",
                (best["epoch"], best[f"val_{name}"]),
                xytext=(0, -16 if name.endswith("accuracy") else 10),
                textcoords="offset points",
                ha="right" if best["epoch"] > len(epochs) / 2 else "left",
                fontsize=8,
            )
        axes.set_title(TITLES.get(name, name), loc="left", fontsize=11, fontweight="bold")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def _compared(rows: Rows) -> list[str]:
    """What was measured on training and validation images; then on validation images alone."""
    both = [name for name in rows[0] if f"val_{name}" in rows[0]]
    alone = [name.removeprefix("val_") for name in rows[0] if name.startswith("val_")]
    return [*both, *(name for name in alone if name not in both)]


def _measured(rows: Rows) -> list[str]:
    """What was measured in every epoch of a training without validation."""
    others = ("epoch", "phase", "seconds", "learning_rate")
    return [
        name
        for name in rows[0]
        if name not in others and all(isinstance(row.get(name), numbers.Real) for row in rows)
    ]


def plot_learning_rates(curve: RateTest, path: PathLike) -> None:
    """Draws the loss over the learning rate, as `kerascnn.transfer.lr_find` measured it.

    Args:
        curve: Rates, losses, smoothed losses and the suggestion.
        path: The PNG file to write; a PNG image there is replaced, nothing else.

    Raises:
        InputError: Something that is no such result.
    """
    if not all(hasattr(curve, name) for name in ("rates", "losses", "smoothed", "suggestion")):
        raise InputError(f"expected the result of lr_find. Received: {received(curve)}.")
    figure = _figure(6, 3.6)
    axes = figure.add_subplot(1, 1, 1)
    axes.plot(curve.rates, curve.losses, color=TRAIN, alpha=0.3, lw=1, label="each batch")
    axes.plot(curve.rates, curve.smoothed, color=TRAIN, lw=1.8, label="smoothed")
    axes.axvline(curve.suggestion, color=VALIDATION, lw=1.2, ls="--")
    axes.set_xscale("log")
    # The last losses of a test that diverged would leave no room for the others.
    low, high = min(curve.smoothed), max(curve.smoothed[: _lowest(curve.smoothed) + 1])
    margin = 0.3 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + 2 * margin)
    axes.annotate(
        f"suggestion: {curve.suggestion:.2g}",
        (curve.suggestion, high + 2 * margin),
        xytext=(4, -10),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set_title("Loss while the learning rate rises", loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel("learning rate")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    _save(figure, path)


def _lowest(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


def plot_confusion(
    confusion: Sequence[Sequence[int]],
    class_names: Sequence[str],
    path: PathLike,
    *,
    title: str = "validation",
) -> None:
    """Draws a confusion matrix: colour is the share of the true class, numbers are images.

    Args:
        confusion: `confusion[i][j]` images of class i were predicted as class j.
        class_names: One name per class.
        path: The PNG file to write; a PNG image there is replaced, nothing else.
        title: Which split it is.

    Raises:
        InputError: No square of numbers, one row and column per class.
    """
    classes = len(class_names)
    counts = array_of_numbers(confusion, "the confusion matrix")
    if counts.shape != (classes, classes) or not classes:
        raise InputError(
            f"expected a confusion matrix [{classes}, {classes}], one row and column per class. "
            f"Received the shape {counts.shape}."
        )
    confusion = counts.tolist()
    readable = classes <= READABLE_CLASSES
    side = min(3.2 + 0.42 * classes, 12)
    figure = _figure(side + 0.8, side)
    axes = figure.add_subplot(1, 1, 1)
    shares = [[n / max(1, sum(row)) for n in row] for row in confusion]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label="share of the true class")
    correct = sum(confusion[i][i] for i in range(classes))
    total = sum(map(sum, confusion))
    axes.set_title(
        f"{title}: {correct} of {total} right ({correct / max(1, total):.2%})",
        loc="left",
        fontsize=11,
        fontweight="bold",
    )
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if readable:
        axes.set_xticks(range(classes), class_names, rotation=45, ha="right", fontsize=9)
        axes.set_yticks(range(classes), class_names, fontsize=9)
        for i, row in enumerate(confusion):
            for j, count in enumerate(row):
                if count:
                    color = "white" if shares[i][j] > 0.5 else "#1f2937"
                    axes.text(j, i, str(count), ha="center", va="center", fontsize=8, color=color)
    _save(figure, path)


def _figure(width: float, height: float) -> "Figure":
    # A Figure of its own, without pyplot: no global state, no display needed.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def _save(figure: "Figure", path: PathLike) -> None:
    with atomic_file(path, PNG, overwrite=True) as temporary:
        figure.savefig(temporary, format="png")
