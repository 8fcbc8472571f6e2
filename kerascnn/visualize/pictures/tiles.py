"""Many small pictures as one, and numbers as colours."""

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2937"


def mosaic(
    pictures: np.ndarray, columns: int | None = None, gap: int = 1, fill: float = 1.0
) -> np.ndarray:
    """Puts pictures of one size side by side, row by row.

    Args:
        pictures: `[N, H, W, 1 or 3]`, of values in 0..1.
        columns: Pictures in a row; None makes the whole about square.
        gap: Pixels between neighbours.
        fill: Value of the gaps and of places without a picture.

    Returns:
        float32 `[height, width, 1 or 3]`.

    Raises:
        InputError: No pictures, arrays of another shape, or no finite numbers.
    """
    pictures = numbers(pictures, "the pictures").astype(np.float32)
    if pictures.ndim != 4 or not len(pictures) or pictures.shape[-1] not in (1, 3):
        raise InputError(
            f"expected pictures [N, H, W, 1 or 3]. Received the shape {pictures.shape}."
        )
    if gap < 0 or (columns is not None and columns < 1):
        raise InputError(
            "expected `columns` of at least 1 and a `gap` of 0 or more. Received: "
            f"columns={columns}, gap={gap}."
        )
    count, height, width, channels = pictures.shape
    columns = min(columns or math.ceil(math.sqrt(count * height / width)), count)
    rows = math.ceil(count / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    whole = np.full(shape, fill, np.float32)
    for number, picture in enumerate(pictures):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        whole[top : top + height, left : left + width] = picture
    return whole


def around_gray(
    values: np.ndarray, axis: tuple[int, ...] | None = None, percentile: float = 100.0
) -> np.ndarray:
    """Scales signed values to 0..1 so that 0 is the gray 0.5 and the largest magnitude an end.

    Args:
        values: Any shape.
        axis: Axes that share a scale; all if None.
        percentile: Below 100, the magnitude that is an end is larger than this percentage of those
            that are not 0; what is beyond is cut off. So a few strong points leave the others seen.
    """
    values = numbers(values, "the values").astype(np.float32)
    if not values.size:
        raise InputError(f"there are no values. Received the shape {values.shape}.")
    sizes = np.abs(values)
    peak = sizes.max(axis=axis, keepdims=True)
    if percentile < 100 and peak.any():
        inside = np.where(sizes > 0, sizes, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nothing but zeros: no percentile
            most = np.nanpercentile(inside, percentile, axis=axis, keepdims=True)
        peak = np.where(np.isnan(most), peak, most)
    return np.clip(0.5 + values / (2 * np.where(peak > 0, peak, 1)), 0, 1).astype(np.float32)


def from_lowest_to_highest(values: np.ndarray, axis: tuple[int, ...] | None = None) -> np.ndarray:
    """Scales values to 0..1, the lowest to 0 and the highest to 1; equal ones all to 0.

    Args:
        values: Any shape.
        axis: Axes that share a scale; all if None.
    """
    values = np.asarray(values, np.float32)
    low = values.min(axis=axis, keepdims=True)
    width = values.max(axis=axis, keepdims=True) - low
    return (values - low) / np.where(width > 0, width, 1)


def scaled_pixels(pixels: np.ndarray) -> np.ndarray:
    """Pixels in 0..1: of 0..255 divided by 255, other ranges from lowest to highest."""
    pixels = numbers(pixels, "the pixels")
    values = pixels.astype(np.float32)
    if not values.size:
        raise InputError(f"there are no pixels. Received the shape {values.shape}.")
    if pixels.dtype == np.uint8 or (values.min() >= 0 and 1 < values.max() <= 255):
        return values / 255
    within = values.min() >= 0 and values.max() <= 1
    return values if within else from_lowest_to_highest(values)


def new_figure(width: float, height: float) -> "Figure":
    """A figure of its own, in inches, without pyplot: no global state, no display needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def show(axes: "Axes", picture: np.ndarray, title: str = "", **options: Any) -> None:
    """Draws a picture `[H, W, 1 or 3]` of 0..1, or `[H, W]`, without axes and without smoothing."""
    options = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest", **options}
    axes.imshow(picture[..., 0] if picture.shape[2:] == (1,) else picture, **options)
    axes.axis("off")
    if title:
        axes.set_title(title, loc="left", fontsize=9, color=INK)
