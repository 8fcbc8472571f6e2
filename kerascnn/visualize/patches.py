"""The images and patches that a unit answers to most.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901,
figure 2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import require
from kerascnn.inputs.images import image_batches, slices
from kerascnn.visualize.fields import receptive_box
from kerascnn.visualize.maps import feature_maps
from kerascnn.visualize.pictures.tiles import around_gray, mosaic, new_figure, scaled_pixels, show
from kerascnn.visualize.projection import deconvnet
from kerascnn.visualize.strongest import Strongest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of the projections that are drawn: a few points are much stronger than all others.
PERCENTILE = 98.0


@dataclass(frozen=True)
class TopPatches:
    """The patches that units of a layer answer to most, the strongest first, one per image.

    Attributes:
        layer: Name of the layer.
        units: `[U]`: which of its channels.
        values: float32 `[U, count]`: the activations.
        images: `[U, count]`: the number of the image, in the order they came.
        boxes: `[U, count, 4]`: top, left, bottom and right of the receptive field in pixels, bottom
            and right excluded. It may exceed the image, whose border is then padding; along an axis
            where it is larger than the image it is the whole image.
        patches: `[U, count, height, width, C]`: the pixels in the boxes, of the images' own type; 0
            where a box exceeds the image.
        projections: The same, of what deconvnet projects back from the activation; None unless
            asked for.
    """

    layer: str
    units: tuple[int, ...]
    values: np.ndarray
    images: np.ndarray
    boxes: np.ndarray
    patches: np.ndarray
    projections: np.ndarray | None


def top_patches(
    model: keras.Model,
    images: np.ndarray | Iterable[Any],
    layer: str,
    count: int = 9,
    *,
    units: Sequence[int] | None = None,
    projections: bool = False,
    batch_size: int = 32,
) -> TopPatches:
    """Finds the patches of many images that each unit of a layer answers to most.

    Of each image a unit keeps the position where it is highest. Images pass once, batch by batch;
    kept are only those that are still among the best of a unit, at most units x count.

    Args:
        model: A functional or Sequential model with one image input, for layers with maps; nested
            ones are entered. Any model for layers `[B, units]`, whose patches are whole images.
        images: `[N, H, W, C]`, or a data set: anything that gives batches `[B, H, W, C]`, or tuples
            that begin with them, such as a `tf.data.Dataset` of images and labels.
        layer: Name of the layer.
        count: Patches per unit.
        units: Channels of the layer; all if None.
        projections: Also project each activation back to the pixels, by `deconvnet`.
        batch_size: Images at a time, of an array.

    Raises:
        InputError: Fewer than `count` images, images of several sizes, no such layer or unit, or a
            layer that `deconvnet` cannot pass.
    """
    if count < 1:
        raise InputError(f"`count` must be at least 1. Received: {count}.")
    best: Strongest | None = None
    for batch in image_batches(images, batch_size):
        outputs = feature_maps(model, batch, [layer])[layer]
        if outputs.ndim not in (2, 4):
            raise InputError(
                f"{layer!r} must give [B, units] or maps [B, h, w, units]. Its shape: "
                f"{outputs.shape}."
            )
        best = best or Strongest(count, _checked_units(units, outputs.shape[-1]), outputs.ndim == 4)
        best.add(batch, outputs)
    if best is None or best.seen < count:
        raise InputError(
            f"expected at least count={count} images. Received: {best.seen if best else 0}."
        )
    boxes = _boxes(model, layer, best)
    return TopPatches(
        layer=layer,
        units=tuple(best.units.tolist()),
        values=best.values,
        images=best.numbers,
        boxes=boxes,
        patches=_cropped((best.kept[number] for number in best.numbers.ravel().tolist()), boxes),
        projections=_projections(model, layer, best, boxes, batch_size) if projections else None,
    )


def plot_top_patches(top: TopPatches, columns: int = 3, most: int = 9) -> "Figure":
    """Draws a block of patches for each unit; beside it the projections, if there are any.

    Args:
        top: Of `top_patches`.
        columns: Patches in a row of a block.
        most: Units; the first ones.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Something that is no such result.
    """
    require(top, TopPatches, "the result of top_patches")
    units = range(min(most, len(top.units)))
    pictures = scaled_pixels(top.patches)
    per_row = 2 if top.projections is not None else 5
    blocks = []
    for unit in units:
        block = mosaic(pictures[unit], columns)
        if top.projections is not None:
            shown = around_gray(top.projections[unit], (1, 2, 3), PERCENTILE)
            block = np.concatenate(
                [mosaic(shown, columns), np.ones((len(block), 2, block.shape[2])), block], axis=1
            )
        blocks.append(block)
    across = min(per_row, len(blocks))
    rows = -(-len(blocks) // across)
    height, width = blocks[0].shape[:2]
    side = 9 / across
    figure = new_figure(side * across, (side * height / width + 0.28) * rows)
    for place, (unit, block) in enumerate(zip(units, blocks, strict=True), 1):
        axes = figure.add_subplot(rows, across, place)
        show(axes, block, f"{top.layer}, unit {top.units[unit]}")
    return figure


def _checked_units(units: Sequence[int] | None, channels: int) -> np.ndarray:
    chosen = np.arange(channels) if units is None else np.asarray(units)
    fits = chosen.ndim == 1 and len(chosen) and chosen.dtype.kind in "iu"
    if not fits or chosen.min() < 0 or chosen.max() >= channels:
        raise InputError(
            f"`units` must hold whole numbers from 0 to {channels - 1}. Received: {units!r}."
        )
    return chosen


def _boxes(model: keras.Model, layer: str, best: Strongest) -> np.ndarray:
    boxes = np.zeros((*best.numbers.shape, 4), np.int64)
    size = next(iter(best.kept.values())).shape[:2]
    spans = receptive_box(model, layer) if best.maps else None
    for place in np.ndindex(best.numbers.shape):
        sides = [(0, side) for side in size]
        for axis, span in enumerate(spans or ()):
            first, behind = span.of(int(best.positions[place][axis]))
            if behind - first < size[axis]:
                sides[axis] = first, behind
        boxes[place] = sides[0][0], sides[1][0], sides[0][1], sides[1][1]
    return boxes


def _projections(
    model: keras.Model, layer: str, best: Strongest, boxes: np.ndarray, batch_size: int
) -> np.ndarray:
    numbers, units = best.numbers.ravel().tolist(), np.repeat(best.units, best.count)
    places = best.positions.reshape(-1, 2)
    projected: list[np.ndarray] = []
    for part in slices(len(numbers), batch_size):
        pixels = np.stack([best.kept[number] for number in numbers[part]])
        position = places[part].tolist() if best.maps else "strongest"
        projected += [*deconvnet(model, pixels, layer, units[part].tolist(), position=position)]
    return _cropped(projected, boxes)


def _cropped(pictures: Iterable[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    """The pixels in the box of each picture, `[U, count, height, width, C]`."""
    crops = [_crop(*pair) for pair in zip(pictures, boxes.reshape(-1, 4), strict=True)]
    return np.stack(crops).reshape(*boxes.shape[:2], *crops[0].shape)


def _crop(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The pixels in a box, 0 where it exceeds the picture."""
    top, left, bottom, right = box.tolist()
    crop = np.zeros((bottom - top, right - left, picture.shape[2]), picture.dtype)
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    row, column = max(-top, 0), max(-left, 0)
    crop[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return crop
