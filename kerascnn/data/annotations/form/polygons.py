"""Filling polygons: which pixels belong to them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

_SCALE = 5  # of pycocotools, which draws the outline on a grid so much finer


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """The outline of an object: the union of one or more polygons.

    Attributes:
        rings: float64 `[k, 2]` each: x and y of corners, in pixels from the top left corner of the
            picture. The last corner is joined to the first.
        with_outline: Whether all pixels that the outline passes through belong to the object, as
            LabelMe draws it (with Pillow). If not, the pixels are exactly those of pycocotools.
    """

    rings: tuple[np.ndarray, ...]
    with_outline: bool = False

    def mask(self, height: int, width: int) -> np.ndarray:
        """Returns the pixels of the object as uint8 `[height, width]` of 0 and 1."""
        fill = _fill_with_outline if self.with_outline else _fill
        out = np.zeros((height, width), np.uint8)
        for ring in self.rings:
            fill(ring, out)
        return out

    def box(self) -> tuple[float, float, float, float]:
        """Returns the smallest box (x0, y0, x1, y1) around all corners."""
        corners = np.concatenate(self.rings)
        left, top = corners.min(axis=0).tolist()
        right, bottom = corners.max(axis=0).tolist()
        return left, top, right, bottom


def _fill(ring: np.ndarray, out: np.ndarray) -> None:
    """Sets the pixels inside a polygon to 1, by the rule of pycocotools.

    The outline is drawn on a grid of five points a pixel. Where it passes the middle of a column
    of pixels, the column changes between outside and inside.
    """
    height, width = out.shape
    corners = np.trunc(_SCALE * ring + 0.5).astype(np.int64)
    x0, y0 = corners.T
    x1, y1 = np.roll(corners, -1, axis=0).T
    flat = np.abs(x1 - x0) >= np.abs(y1 - y0)
    swap = np.where(flat, x0 > x1, y0 > y1)
    sides = np.stack([x0, y0, x1, y1], axis=1)
    sides[swap] = sides[swap][:, [2, 3, 0, 1]]
    first = _crossings_of_flat(sides[flat], width)
    second = _crossings_of_steep(sides[~flat], width)
    columns, rows = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    if not len(columns):
        return
    # The middle of a row of the fine grid, in pixels.
    rows = np.ceil(np.clip((rows + 0.5) / _SCALE - 0.5, 0, height)).astype(np.int64)
    left, count = columns.min(), columns.max() - columns.min() + 1
    places = np.sort((columns - left) * height + rows)
    bounds = np.concatenate([[0], places, [count * height]])
    inside = (np.arange(len(bounds) - 1) & 1).astype(np.uint8)
    out[:, left : left + count] |= np.repeat(inside, np.diff(bounds)).reshape(count, height).T


def _crossings_of_flat(sides: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns, and rows of the fine grid, where sides that are wider than high pass the middle."""
    x0, y0, x1, y1 = sides.T
    first = np.maximum(-((2 - x0) // _SCALE), 0)  # ceil((x0 - 2) / 5)
    last = np.minimum((x1 - 3) // _SCALE, width - 1)
    chosen, steps = _spread(np.maximum(last - first + 1, 0))
    columns = first[chosen] + steps
    slope = (y1 - y0)[chosen] / (x1 - x0)[chosen]
    along = _SCALE * columns + 2 - x0[chosen]
    before = np.trunc(y0[chosen] + slope * along + 0.5)
    behind = np.trunc(y0[chosen] + slope * (along + 1) + 0.5)
    return columns, np.minimum(before, behind)


def _crossings_of_steep(sides: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for sides that are higher than wide."""
    x0, y0, x1, y1 = sides.T
    chosen, along = _spread(y1 - y0)
    slope = (x1 - x0)[chosen] / (y1 - y0)[chosen]
    before = np.trunc(x0[chosen] + slope * along + 0.5)
    behind = np.trunc(x0[chosen] + slope * (along + 1) + 0.5)
    lower = np.minimum(before, behind).astype(np.int64)
    columns = (lower - 2) // _SCALE
    passes = (before != behind) & (lower % _SCALE == 2) & (columns >= 0) & (columns < width)
    return columns[passes], (y0[chosen] + along)[passes].astype(np.float64)


def _spread(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns each place of `counts` as often as it says, and 0, 1, 2... within each."""
    places = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return places, np.arange(len(places)) - starts[places]


def _fill_with_outline(ring: np.ndarray, out: np.ndarray) -> None:
    """Sets the pixels of a polygon and of its outline to 1, as Pillow draws them."""
    canvas = Image.new("L", (out.shape[1], out.shape[0]))
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in ring.tolist()], fill=1, outline=1)
    out |= np.asarray(canvas)
