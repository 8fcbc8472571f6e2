"""What each layer of a network adds to an error, as a PNG file."""

from collections.abc import Sequence

from kerascnn.errors import InputError
from kerascnn.files import PNG, PathLike, atomic_file
from kerascnn.inputs.arrays import numbers

BAR, WORST, INK = "#94a3b8", "#d62728", "#1f2937"
_NAMED = 5  # the largest bars, in another colour
_ROW = 0.19  # inches
_LEAST = 1e-6  # of the largest error: smaller ones are no bars, and decades of ticks take long


def plot_layer_errors(
    names: Sequence[str], errors: Sequence[float], path: PathLike, title: str = ""
) -> None:
    """Draws one bar per layer, in the given order from top to bottom; the largest stand out.

    Args:
        names: Of the layers, at least one.
        errors: As many numbers, 0 or more; drawn on a logarithmic axis if they span more than a
            factor of 30.
        path: The PNG file to write; a PNG image there is replaced, nothing else.
        title: What the errors are.

    Raises:
        InputError: Nothing to draw, or not one error per name.
    """
    values = numbers(errors, "the errors")
    if values.ndim != 1 or (values < 0).any():
        raise InputError(
            f"expected one error per layer, 0 or more. Received the shape {values.shape}."
        )
    errors = values.tolist()
    if not names or len(names) != len(errors):
        raise InputError(f"expected one error per layer. Received: {len(names)} and {len(errors)}.")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.4 + _ROW * len(names)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    largest = sorted(range(len(errors)), key=lambda index: -errors[index])[:_NAMED]
    colors = [WORST if index in largest else BAR for index in range(len(errors))]
    axes.barh(range(len(names)), errors, color=colors, height=0.75)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    above = [error for error in errors if error > 0]
    if above and max(above) > 30 * min(above):
        axes.set_xscale("log")
        axes.set_xlim(left=max(min(above), max(above) * _LEAST) / 2)
    axes.set_xlabel("error", color=INK)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.grid(alpha=0.2, axis="x")
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_file(path, PNG, overwrite=True) as temporary:
        figure.savefig(temporary, format="png", pil_kwargs={"optimize": True})
