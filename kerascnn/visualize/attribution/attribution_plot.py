"""Attributions of several images by several methods, side by side."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers
from kerascnn.inputs.images import as_images
from kerascnn.visualize.attribution.methods import METHODS
from kerascnn.visualize.pictures.heatmap import heat_map, overlay
from kerascnn.visualize.pictures.tiles import new_figure, scaled_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE = 1.9  # inches
COARSE = tuple(name for name, method in METHODS.items() if method.coarse)


def plot_attributions(
    images: np.ndarray,
    attributions: Mapping[str, np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    over: Collection[str] = COARSE,
    columns: int = 7,
) -> "Figure":
    """Draws a grid: one row per image, the image first, then what each method gave.

    Args:
        images: `[B, H, W, 1 or 3]`; of 0..255, of 0..1, or of another range, drawn from the
            lowest to the highest value.
        attributions: Name of each method, and what it gave: `[B, H, W]` or `[B, H, W, C]`.
        titles: Of the images, such as the names of the classes.
        over: Names of those that lie over the image in colour; the others, made of single pixels,
            stand alone in gray. By default those that give places, by their names in `METHODS`.
        columns: Pictures in a row; where there are more of an image, they go on in the next.

    Returns:
        The figure; `figure.savefig("picture.png")` writes it.

    Raises:
        InputError: Arrays that do not belong together, or no columns.
    """
    images = as_images(images)
    _check(images, attributions, titles)
    if columns < 1:
        raise InputError(f"`columns` must be at least 1. Received: {columns}.")
    tiles = 1 + len(attributions)
    columns = min(tiles, columns)
    lines = math.ceil(tiles / columns)
    shown = np.round(255 * scaled_pixels(images)).astype(np.uint8)
    figure = new_figure(_TILE * columns, (_TILE + 0.2) * lines * len(images))
    grid = figure.subplots(len(images) * lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    grid = grid.reshape(len(images), lines * columns)
    for row, image in enumerate(shown):
        grid[row, 0].imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        if titles is not None:
            grid[row, 0].set_ylabel(titles[row], fontsize=9)
    for column, (name, values) in enumerate(attributions.items(), 1):
        heat = heat_map(values, 100 if name in over else 99)
        for row, image in enumerate(shown):
            if name in over:
                grid[row, column].imshow(overlay(image, heat[row]))
            else:
                grid[row, column].imshow(heat[row], cmap="gray", vmin=0, vmax=1)
            if row == 0 or lines > 1:
                grid[row, column].set_title(name, fontsize=9)
    return figure


def _check(
    images: np.ndarray, attributions: Mapping[str, np.ndarray], titles: Sequence[str] | None
) -> None:
    if images.ndim != 4 or not len(images) or images.shape[-1] not in (1, 3):
        raise InputError(f"expected images [B, H, W, 1 or 3]. Received the shape {images.shape}.")
    for name, values in attributions.items():
        values = numbers(values, f"the attributions {name!r}")
        if np.shape(values)[:3] != images.shape[:3]:
            raise InputError(
                f"the attributions {name!r} belong to other images: expected "
                f"{list(images.shape[:3])}. Received: {list(np.shape(values))}."
            )
    if titles is not None and len(titles) != len(images):
        raise InputError(f"expected {len(images)} titles, one per image. Received {len(titles)}.")
