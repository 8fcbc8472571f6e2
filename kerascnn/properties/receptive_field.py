"""Which pixels really move a unit: the effective receptive field.

Luo, Li, Urtasun, Zemel, Understanding the Effective Receptive Field in Deep Convolutional Neural
Networks, NeurIPS 2016, arXiv:1701.04128. It is a good deal smaller than the theoretical one of
`kerascnn.arithmetic` and `kerascnn summary`, and bell-shaped.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.model_inputs import checked_images
from kerascnn.properties.outputs import call
from kerascnn.visualize.inside.gradient import gradient

# Less than this part of the largest influence does not count: what lies outside two standard
# deviations of a bell (section 3 of the paper).
NEGLIGIBLE = 1 - 0.9545


@dataclass(frozen=True)
class EffectiveReceptiveField:
    """How much each pixel moves one unit.

    Attributes:
        position: Row and column of the unit in its map.
        influence: float32 `[H, W]`: mean magnitude of the derivative, over images and channels,
            divided by the largest. 0 outside the theoretical receptive field.
    """

    position: tuple[int, int]
    influence: np.ndarray

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the smallest rectangle around all pixels of any influence."""
        rows, columns = np.nonzero(self.influence)
        return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle of that rectangle."""
        rows, columns = np.nonzero(self.influence)
        return (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2

    @property
    def size(self) -> float:
        """Side of a square of as many pixels as have more than 4.55 % of the largest influence."""
        return float(np.sqrt(np.count_nonzero(self.influence > NEGLIGIBLE)))


def effective_receptive_field(
    model: keras.Model,
    images: np.ndarray,
    layer: str | None = None,
    position: tuple[int, int] | None = None,
    seed: int = 0,
) -> EffectiveReceptiveField:
    """Measures the influence of every pixel on one position of a layer.

    For each image, the channels at that position are added up with random signs, and the sum is
    derived with respect to the pixels.

    Args:
        model: Any model with one image input.
        images: `[B, H, W, C]` in the range the model takes; given to it as float32. Derivatives
            depend on them: the more, the smoother the result.
        layer: Name of the layer, also inside nested models, that gives maps `[B, h, w, c]`; the
            model's own output if None.
        position: Row and column in the maps; the middle if None.
        seed: Of the signs.

    Raises:
        InputError: No maps, a position outside, or a unit that no pixel moves.
    """
    images = checked_images(model, images).astype(np.float32, copy=False)
    shape = tuple(call(model, images[:1], layer).shape)
    if len(shape) != 4:
        raise InputError(
            f"a receptive field needs maps [B, h, w, c]; {layer or model.name!r} gives {shape}."
        )
    row, column = (shape[1] // 2, shape[2] // 2) if position is None else position
    if not (0 <= row < shape[1] and 0 <= column < shape[2]):
        raise InputError(
            f"`position` must lie in maps of {shape[1]}x{shape[2]}. Received: {(row, column)}."
        )
    signs = np.random.default_rng(checked_seed(seed)).choice([-1.0, 1.0], (len(images), shape[-1]))

    def unit(pixels: Any) -> Any:
        maps = ops.cast(call(model, pixels, layer), "float32")
        return ops.sum(maps[:, row, column] * ops.cast(signs, "float32"))

    slopes = gradient(unit, ops.convert_to_tensor(images))
    influence = np.zeros(images.shape[1:3])
    if slopes is not None:
        influence = np.abs(ops.convert_to_numpy(slopes)).mean((0, 3))
    if not influence.any():
        raise InputError(
            f"no pixel moves position {(row, column)} of {layer or model.name!r} in these images: "
            "its activation is cut off, or it does not depend on them."
        )
    return EffectiveReceptiveField(
        (int(row), int(column)), (influence / influence.max()).astype(np.float32)
    )
