"""Losses of detectors that speak in one map: heat maps of middles, and cells."""

from typing import Any

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class HeatmapLoss(keras.losses.Loss):
    """The loss of CenterNet (Zhou et al. 2019, arXiv:1904.07850, section 4).

    A penalty-reduced focal loss of the heat maps (equation 1, α 2, β 4), and L1 losses of the
    place of the middle, in cells, and of height and width, in cells, at the cells that hold the
    middle of an object; all divided by the objects in the batch, 1 at least.

    Labels are `[B, cells, 5 + classes]`, as `kerascnn.data.heat_targets.encode_heat` gives them;
    predictions `[B, cells, 4 + classes]`: edges, and logits of the heat.

    Args:
        grid: Rows and columns of the map.
        size_weight: Of height and width, λ_size in the paper.
        offset_weight: Of the middle, λ_off.
    """

    def __init__(
        self,
        grid: tuple[int, int],
        size_weight: float = 0.1,
        offset_weight: float = 1.0,
        name: str = "heatmap_loss",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.grid = tuple(arguments.whole("grid", side) for side in grid)
        self.size_weight = arguments.positive("size_weight", size_weight)
        self.offset_weight = arguments.positive("offset_weight", offset_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        holds, heat, logits = y_true[..., 4], y_true[..., 5:], y_pred[..., 4:]
        chance = ops.sigmoid(logits)
        is_middle = ops.cast(heat >= 1, y_pred.dtype)
        # -log of a sigmoid is the softplus of the negative logit.
        hit = is_middle * ops.square(1 - chance) * ops.softplus(-logits)
        penalty = ops.square(ops.square(1 - heat)) * ops.square(chance)
        miss = (1 - is_middle) * penalty * ops.softplus(logits)
        side = ops.cast(self.grid, y_pred.dtype)
        middles, sizes = (
            ops.sum(ops.abs(one - other) * side, axis=-1)
            for one, other in zip(_parts(y_true), _parts(y_pred), strict=True)
        )
        boxes = holds * (self.offset_weight * middles + self.size_weight * sizes)
        each = ops.sum(ops.sum(hit + miss, axis=-1) + boxes, axis=-1)
        return each * per_object(ops.sum(is_middle), y_pred)

    def get_config(self) -> dict[str, Any]:
        own = {"grid": list(self.grid), "size_weight": self.size_weight}
        return {**super().get_config(), **own, "offset_weight": self.offset_weight}


@keras.saving.register_keras_serializable(package="kerascnn")
class CellLoss(keras.losses.Loss):
    """The loss of cells that say whether they hold the middle of an object, as FOMO has them.

    The weighted cross-entropy of each class in each cell, `object_weight` times where there is an
    object, averaged over the cells; and the L1 difference of the edges, in cells, at the cells
    with an object, divided by these, 1 at least.

    Labels are `[B, cells, 5]` as those of `DetectionLoss`; predictions `[B, cells, 4 + classes]`.

    Args:
        grid: Rows and columns of cells.
        object_weight: How much more an object counts than background.
        box_weight: Of the edges.
    """

    def __init__(
        self,
        grid: tuple[int, int],
        object_weight: float = 100.0,
        box_weight: float = 0.1,
        name: str = "cell_loss",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.grid = tuple(arguments.whole("grid", side) for side in grid)
        self.object_weight = arguments.positive("object_weight", object_weight)
        self.box_weight = arguments.positive("box_weight", box_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        label, logits = y_true[..., 4], y_pred[..., 4:]
        has_object = ops.cast(label > 0, y_pred.dtype)
        wanted = ops.one_hot(ops.cast(label, "int32") - 1, logits.shape[-1], dtype=y_pred.dtype)
        entropy = ops.softplus(logits) - wanted * logits
        weight = ops.where(wanted > 0, self.object_weight, 1.0)
        counts = ops.cast(label >= 0, y_pred.dtype)
        scores = ops.mean(ops.sum(weight * entropy, axis=-1) * counts, axis=-1)
        side = ops.cast((*self.grid, *self.grid), y_pred.dtype)
        edges = ops.sum(ops.abs(y_true[..., :4] - y_pred[..., :4]) * side, axis=-1)
        boxes = ops.sum(has_object * edges, axis=-1) * per_object(ops.sum(has_object), y_pred)
        return scores + self.box_weight * boxes

    def get_config(self) -> dict[str, Any]:
        own = {"grid": list(self.grid), "object_weight": self.object_weight}
        return {**super().get_config(), **own, "box_weight": self.box_weight}


def per_object(objects: Any, y_pred: Any) -> Any:
    """What sums of images are multiplied by, so that their mean is one over all objects."""
    return ops.cast(ops.shape(y_pred)[0], y_pred.dtype) / ops.maximum(objects, 1.0)


def _parts(values: Any) -> tuple[Any, Any]:
    """Middles and sides of boxes."""
    start, end = values[..., :2], values[..., 2:4]
    return (start + end) / 2, end - start
