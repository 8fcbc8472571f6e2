"""Accuracy against operations of many architectures, with their sizes, as a PNG file.

After figure 2 of Canziani, Paszke, Culurciello, An Analysis of Deep Neural Network Models for
Practical Applications, arXiv:1605.07678: the area of a blob is its number of parameters.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kerascnn.errors import InputError
from kerascnn.files import PNG, PathLike, atomic_file
from kerascnn.inputs.arrays import received

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Left, bottom, right, top, in pixels.
Box = tuple[float, float, float, float]

POINTS_PER_MILLION = 5.0  # of the blob's area, in square points
SIZES = (5, 25, 75, 150)  # millions of parameters, in the key
# Neighbours in the list, and so in history, are far apart in hue.
COLORS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf"),
    *("#bcbd22", "#0f766e", "#f43f5e", "#7c3aed", "#ca8a04", "#0ea5e9", "#65a30d", "#be185d"),
)
INK, FAINT = "#1f2937", "#9ca3af"
# Free space around each label, and how far one may move away, in pixels.
MARGIN, REACH = 1.5, 170


@dataclass(frozen=True)
class ZooPoint:
    """One architecture.

    Attributes:
        name: Its label.
        family: Architectures of one family have one colour.
        macs: Multiply-accumulate operations for one image.
        params: Parameters.
        top1: Accuracy in percent.
    """

    name: str
    family: str
    macs: int
    params: int
    top1: float


class Disc(NamedTuple):
    """A blob in pixels."""

    x: float
    y: float
    radius: float


def plot_zoo(points: Sequence[ZooPoint], path: PathLike) -> None:
    """Draws accuracy against operations (logarithmic); area is parameters, colour is family.

    Labels stand beside their blobs and never on one another; one that had to move away, or is
    nearer to another blob, is tied to its own by a line.

    Args:
        points: At least one.
        path: The PNG file to write; a PNG image there is replaced, nothing else.

    Raises:
        InputError: No points, or something else.
    """
    if not isinstance(points, Sequence) or not all(isinstance(p, ZooPoint) for p in points):
        raise InputError(f"expected a list of ZooPoint. Received: {received(points)}.")
    if not points:
        raise InputError("there is nothing to plot: `points` is empty.")
    with atomic_file(path, PNG, overwrite=True) as temporary:
        _figure(points).savefig(temporary, format="png", pil_kwargs={"optimize": True})


def _figure(points: Sequence[ZooPoint]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.5), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    colors = _colors([point.family for point in points])
    for point in sorted(points, key=lambda point: -point.params):
        axes.scatter(
            point.macs / 1e9,
            point.top1,
            s=_area(point.params / 1e6),
            color=colors[point.family],
            alpha=0.45,
            edgecolors=colors[point.family],
            linewidths=1,
        )
        axes.scatter(point.macs / 1e9, point.top1, s=4, color=INK, zorder=3)
    _decorate(axes, points)
    canvas.draw()  # fixes the layout: from here on places in pixels are final
    figure.set_layout_engine("none")
    _label(axes, points, canvas.get_renderer())
    return figure


def _area(millions: float) -> float:
    return max(12.0, POINTS_PER_MILLION * millions)


def _colors(families: Sequence[str]) -> dict[str, str]:
    names = list(dict.fromkeys(families))
    return {name: COLORS[index % len(COLORS)] for index, name in enumerate(names)}


def _decorate(axes: "Axes", points: Sequence[ZooPoint]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    lowest, highest = (choose(point.macs / 1e9 for point in points) for choose in (min, max))
    axes.set_xlim(lowest / 1.6, highest * 1.9)
    low, high = (choose(point.top1 for point in points) for choose in (min, max))
    room = max(1.0, 0.08 * (high - low))
    axes.set_ylim(low - room, high + room)
    ticks = [t for e in range(-5, 4) for t in (10.0**e, 2 * 10.0**e, 5 * 10.0**e)]
    axes.set_xticks([tick for tick in ticks if lowest / 1.6 <= tick <= highest * 1.9])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("multiply-accumulate operations per image (thousand millions)")
    axes.set_ylabel("published top-1 accuracy on ImageNet (%)")
    axes.set_title(
        "Accuracy, operations and size; as published, with the training recipes of their time",
        loc="left",
        fontsize=12,
        fontweight="bold",
    )
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    keys = [
        axes.scatter([], [], s=_area(size), color=FAINT, alpha=0.45, label=f"{size} M")
        for size in SIZES
    ]
    axes.legend(
        handles=keys,
        title="parameters",
        loc="lower right",
        frameon=False,
        labelspacing=1.8,
        borderpad=1.6,
        handletextpad=1.6,
    )


def _label(axes: "Axes", points: Sequence[ZooPoint], renderer: Any) -> None:
    frame, legend = axes.get_window_extent(renderer), axes.get_legend()
    pixels = axes.figure.dpi / 72
    discs = []
    for point in points:
        x, y = axes.transData.transform((point.macs / 1e9, point.top1))
        discs.append(Disc(x, y, math.sqrt(_area(point.params / 1e6) / math.pi) * pixels))
    taken: list[Box] = [legend.get_window_extent(renderer).extents] if legend else []
    taken += [(disc.x - 4, disc.y - 4, disc.x + 4, disc.y + 4) for disc in discs]  # the centres
    # Those with the least room around them choose first.
    for index in sorted(range(len(points)), key=lambda index: _room(index, discs)):
        disc, others = discs[index], discs[:index] + discs[index + 1 :]
        text = axes.text(0, 0, points[index].name, fontsize=7.5, color=INK, transform=None)
        extent = text.get_window_extent(renderer)
        size = (extent.width + 2 * MARGIN, extent.height + 2 * MARGIN)
        box = next(
            (
                box
                for box, clear in _candidates(disc, *size)
                if frame.x0 <= box[0]
                and frame.y0 <= box[1]
                and box[2] <= frame.x1
                and box[3] <= frame.y1
                and not any(_overlap(box, other) for other in taken)
                and not (clear and any(_touches(box, other) for other in others))
            ),
            None,
        )
        if box is None:  # no room at all: better no label than an unreadable one
            text.remove()
            continue
        taken.append(box)
        text.set_position((box[0] + MARGIN, box[1] + MARGIN - extent.y0))
        end = _nearest(box, disc)
        distance = math.dist(end, (disc.x, disc.y))
        away = distance > disc.radius + 7
        if away or any(math.dist(_nearest(box, o), (o.x, o.y)) < distance for o in others):
            _tie(axes, (disc.x, disc.y), end)


def _room(index: int, discs: Sequence[Disc]) -> float:
    here = discs[index]
    return min(
        (math.dist((here.x, here.y), (o.x, o.y)) for o in discs if o is not here), default=math.inf
    )


def _candidates(disc: Disc, width: float, height: float) -> Iterator[tuple[Box, bool]]:
    """Boxes around a disc, the best first, and whether they must be clear of all other discs.

    Near the disc and outside it, then within it, then farther away and on other discs.
    """
    outside, within = round(disc.radius) + 3, 6
    rings = (
        (range(outside, outside + 30, 5), True),
        (range(within, outside, 5), True),
        (range(outside + 30, outside + 90, 6), True),
        (range(within, outside + REACH, 6), False),
    )
    for distances, clear in rings:
        for distance in distances:
            for turn in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8):
                dx, dy = math.cos(turn * math.pi / 8), math.sin(turn * math.pi / 8)
                # The box touches the circle of this distance with the side towards the centre.
                left = disc.x + dx * (distance + width / 2) - width / 2
                bottom = disc.y + dy * (distance + height / 2) - height / 2
                yield (left, bottom, left + width, bottom + height), clear


def _nearest(box: Box, disc: Disc) -> tuple[float, float]:
    return min(max(disc.x, box[0]), box[2]), min(max(disc.y, box[1]), box[3])


def _touches(box: Box, disc: Disc) -> bool:
    return math.dist(_nearest(box, disc), (disc.x, disc.y)) < disc.radius


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _tie(axes: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    from matplotlib.lines import Line2D

    axes.add_line(
        Line2D(
            *zip(start, end, strict=True),
            color=INK,
            linewidth=0.5,
            alpha=0.6,
            transform=None,
            zorder=2,
        )
    )
