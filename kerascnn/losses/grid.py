"""The loss of YOLO's grid (Redmon et al. 2016, arXiv:1506.02640, section 2.2, equation 3)."""

from typing import Any

import keras
from keras import ops

from kerascnn import arguments
from kerascnn.losses.points import box_likeness


@keras.saving.register_keras_serializable(package="kerascnn")
class GridLoss(keras.losses.Loss):
    """The sum of squared errors of YOLO.

    The cell that holds the middle of an object answers for it, and in it the box that overlaps the
    object most. That box costs `coordinates` times the squared errors of x, y, √w and √h, and the
    squared error of its confidence, which is to be its IoU with the object; every other box costs
    `background` times the square of its confidence. Cells with an object cost the squared errors of
    their class scores. The result is the sum over the cells of an image.

    Labels are `[B, rows, columns, 5]`: x, y, √w and √h of the object of each cell as `GridBoxes`
    takes them, and its class counted from 1; 0 is background. Predictions are `[B, rows, columns, 5
    boxes + classes]`.

    Args:
        boxes: Boxes of a cell.
        coordinates: The weight of the boxes, λ_coord in the paper.
        background: The weight of boxes without an object, λ_noobj in the paper.
    """

    def __init__(
        self,
        boxes: int = 2,
        coordinates: float = 5.0,
        background: float = 0.5,
        name: str = "grid_loss",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.boxes = arguments.whole("boxes", boxes)
        self.coordinates = arguments.positive("coordinates", coordinates)
        self.background = arguments.positive("background", background)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        height, width = y_pred.shape[1:3]
        parts = ops.reshape(y_pred[..., : 5 * self.boxes], (-1, height, width, self.boxes, 5))
        wanted, label = ops.expand_dims(y_true[..., :4], -2), y_true[..., 4]
        has_object = ops.cast(label > 0, y_pred.dtype)
        cells = (height, width)
        iou, _ = box_likeness(_edges(parts, cells), _edges(wanted, cells))
        best = ops.one_hot(ops.argmax(iou, axis=-1), self.boxes, dtype=y_pred.dtype)
        answers = best * ops.expand_dims(has_object, -1)
        places = ops.sum(ops.square(parts[..., :4] - wanted), axis=-1)
        confidence = parts[..., 4]
        sure = ops.square(confidence - ops.stop_gradient(iou))
        scores = y_pred[..., 5 * self.boxes :]
        classes = ops.one_hot(ops.cast(label, "int32") - 1, scores.shape[-1], dtype=y_pred.dtype)
        of_boxes = answers * (self.coordinates * places + sure)
        of_boxes += self.background * (1 - answers) * ops.square(confidence)
        of_classes = has_object * ops.sum(ops.square(scores - classes), axis=-1)
        return ops.sum(ops.sum(of_boxes, axis=-1) + of_classes, axis=(1, 2))

    def get_config(self) -> dict[str, Any]:
        own = {"boxes": self.boxes, "coordinates": self.coordinates}
        return {**super().get_config(), **own, "background": self.background}


def _edges(boxes: Any, cells: tuple[int, int]) -> Any:
    """Starts and ends of boxes (x, y, √w, √h) of one cell, in shares of the picture."""
    middle = boxes[..., :2] / ops.cast((cells[1], cells[0]), boxes.dtype)
    half = ops.square(boxes[..., 2:4]) / 2
    return ops.concatenate([middle - half, middle + half], axis=-1)
