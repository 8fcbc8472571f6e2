"""Charts as inline SVG. Colours are the page's, so they follow the reader's colour scheme."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.pages import format as page

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 36
_DOTS = 60  # more points than this are drawn as a line alone


@dataclass(frozen=True)
class Line:
    """A curve. `style` is the CSS class that colours it: `first` or `second`."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "first"


@dataclass(frozen=True)
class Band:
    """A stretch of the horizontal axis with a name."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Axes:
    """The frame of a chart: what is where.

    Attributes:
        x: Lowest and highest value of the horizontal axis.
        y: Lowest and highest value of the vertical axis.
        x_title: What the horizontal axis shows.
        whole: Whether only whole numbers are marked on the horizontal axis.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_title: str
    whole: bool = False

    def across(self, value: float) -> float:
        """Horizontal place of a value, in units of the drawing."""
        low, high = self.x
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Vertical place of a value."""
        low, high = self.y
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def grid(self) -> str:
        """Grid lines, their numbers and the title of the horizontal axis."""
        out = []
        for value in ticks(*self.y):
            y = self.down(value)
            out.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            out.append(
                f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
            )
        base = HEIGHT - BOTTOM
        for value in ticks(*self.x, whole=self.whole):
            x = self.across(value)
            out.append(
                f'<text x="{x:.1f}" y="{base + 15}" text-anchor="middle">{number(value)}</text>'
            )
        middle = (LEFT + WIDTH - RIGHT) / 2
        out.append(
            f'<text class="axis" x="{middle:.1f}" y="{HEIGHT - 4}" text-anchor="middle">'
            f"{page.text(self.x_title)}</text>"
        )
        return "".join(out)


def svg(description: str, *parts: str) -> str:
    """The drawing as a whole; `description` is read to those who do not see it."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{page.text(description)}">{"".join(parts)}</svg>'
    )


def line_chart(
    title: str,
    lines: Sequence[Line],
    x_title: str,
    *,
    bands: Sequence[Band] = (),
    marked: float | None = None,
    from_zero: bool = False,
) -> str:
    """Curves over whole numbers, such as epochs, with a legend where there are several.

    Args:
        title: The heading.
        lines: At least one, with at least one finite value.
        x_title: What the horizontal axis shows.
        bands: Named stretches of it.
        marked: A value of it that is marked by a line down the chart.
        from_zero: Whether the vertical axis begins at 0.
    """
    finite = [value for line in lines for value in line.y if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    above = room + 0.16 * (high - low) if bands else room  # for their names
    low = 0.0 if from_zero and low >= 0 else low - room
    places = [value for line in lines for value in line.x]
    axes = Axes(_stretched(min(places), max(places)), (low, high + above), x_title, whole=True)
    drawn = [*(_band(axes, band, number) for number, band in enumerate(bands)), axes.grid()]
    if marked is not None:
        x = axes.across(marked)
        drawn.append(
            f'<line class="marked" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        )
    drawn += [_curve(axes, line) for line in lines]
    legend = "".join(f'<span class="{line.style}">{page.text(line.name)}</span>' for line in lines)
    key = f'<div class="legend">{legend}</div>' if len(lines) > 1 else ""
    return f'<div class="card plot"><h3>{page.text(title)}</h3>{key}{svg(title, *drawn)}</div>'


def ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """At most `most` round numbers from `low` to `high`, evenly spaced."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    if whole:
        step = max(1.0, step)
    for factor in (1, 2, 5, 10, 20, 50, 100):
        first, last = (
            math.ceil(low / (step * factor) - 1e-9),
            math.floor(high / (step * factor) + 1e-9),
        )
        if last - first < most:
            return [round(place * step * factor, 12) for place in range(first, last + 1)]
    return []


def number(value: float) -> str:
    """A number at an axis: short, and without an exponent unless it is tiny."""
    return page.short(value) if 0 < abs(value) < 1e-3 else f"{value:,.6g}"


def _stretched(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 1, high + 1)


def _curve(axes: Axes, line: Line) -> str:
    points = [
        (axes.across(x), axes.down(y), x, y)
        for x, y in zip(line.x, line.y, strict=True)
        if math.isfinite(y)
    ]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py, _, _ in points)
    dots = ""
    if len(points) <= _DOTS:
        dots = "".join(
            f'<circle class="{line.style}" cx="{px:.1f}" cy="{py:.1f}" r="2.4"><title>'
            f"{page.text(line.name)}, {number(x)}: {y:.4g}</title></circle>"
            for px, py, x, y in points
        )
    return f'<polyline class="{line.style}" points="{path}"/>{dots}'


def _band(axes: Axes, band: Band, order: int) -> str:
    left, right = axes.across(band.start), axes.across(band.end)
    shade = "band odd" if order % 2 else "band"
    return (
        f'<rect class="{shade}" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>'
        f'<text class="axis" x="{left + 4:.1f}" y="{TOP + 11}">{page.text(band.name)}</text>'
    )
