"""The loss of a detector whose points are given to objects by what the network says."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import arguments
from kerascnn.losses.heat import per_object
from kerascnn.losses.points import box_likeness

_TOP, _SCORE, _OVERLAP = 13, 1.0, 6.0  # k, alpha and beta of arXiv:2108.07755, section 4.2


@keras.saving.register_keras_serializable(package="kerascnn")
class TaskAlignedLoss(keras.losses.Loss):
    """The loss of `attach_detector`'s networks with task-aligned assignment.

    Of the points within an object those 13 answer for it whose score of its class and overlap with
    it are best together, t = score · IoU⁶ (Feng et al. 2021, TOOD, arXiv:2108.07755, section 3.2);
    a point of several objects takes the one that it overlaps most. Their scores are to be t, scaled
    so that the best of an object has its IoU, those of all others 0, by quality focal loss; boxes
    cost 1 - GIoU, weighted by what the score is to be. Sums are divided by those shares, 1 at
    least. Points within a crowd that answer for nothing count for nothing.

    Labels are rows of objects `[B, objects, 9]` as `kerascnn.tasks.boxes.Row` has them, predictions
    `[B, points, 4 + classes]` as `training_form` gives them.

    Args:
        grids: (rows, columns) of the points of each level, the finest first.
        box_weight: Of the boxes against the scores.
    """

    def __init__(
        self,
        grids: Sequence[tuple[int, int]],
        box_weight: float = 2.0,
        name: str = "task_aligned_loss",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.grids = [tuple(arguments.whole("grids", side) for side in grid) for grid in grids]
        self.box_weight = arguments.positive("box_weight", box_weight)
        places = []
        for height, width in self.grids:
            down, across = np.mgrid[:height, :width].reshape(2, -1) + 0.5
            places.append(np.stack([down / height, across / width], axis=-1))
        self._points = np.concatenate(places).astype("float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        boxes, logits = y_pred[..., :4], y_pred[..., 4:]
        objects = ops.take(y_true, np.array([1, 0, 3, 2]), axis=-1)  # top, left, bottom, right
        label, flag = y_true[..., 4], y_true[..., 5]
        is_box = ops.logical_and(label >= 0, ops.all(objects[..., 2:] > objects[..., :2], axis=-1))
        is_object = ops.logical_and(is_box, ops.not_equal(flag, 1))
        inside = self._inside(objects)  # [B, objects, points]
        iou, giou = box_likeness(ops.expand_dims(objects, 2), ops.expand_dims(boxes, 1))
        classes = ops.one_hot(ops.cast(label, "int32"), logits.shape[-1], dtype=y_pred.dtype)
        score = ops.matmul(classes, ops.transpose(ops.sigmoid(logits), (0, 2, 1)))
        aligned = ops.power(score, _SCORE) * ops.power(iou, _OVERLAP)
        allowed = ops.logical_and(inside, ops.expand_dims(is_object, -1))
        answers = _answers(ops.where(allowed, aligned, -1.0), allowed, iou)
        aligned, overlap = aligned * answers, iou * answers
        best = ops.max(aligned, axis=-1, keepdims=True)
        share = aligned / ops.maximum(best, 1e-9) * ops.max(overlap, axis=-1, keepdims=True)
        share = ops.stop_gradient(share)  # [B, objects, points]
        wanted = ops.matmul(ops.transpose(share, (0, 2, 1)), classes)
        entropy = ops.softplus(logits) - wanted * logits
        far = ops.square(wanted - ops.sigmoid(logits))
        in_crowd = ops.logical_and(
            inside, ops.expand_dims(ops.logical_and(is_box, ops.equal(flag, 1)), -1)
        )
        taken = ops.sum(answers, axis=1) > 0
        counts = ops.logical_or(taken, ops.logical_not(ops.any(in_crowd, axis=1)))
        scores = ops.sum(entropy * far, axis=-1) * ops.cast(counts, y_pred.dtype)
        lost = ops.sum(share * (1 - giou), axis=1)
        each = ops.sum(scores + self.box_weight * lost, axis=-1)
        return each * per_object(ops.sum(share), y_pred)

    def _inside(self, objects: Any) -> Any:
        points = ops.cast(self._points, objects.dtype)
        boxes = ops.expand_dims(objects, 2)
        after = ops.all(points > boxes[..., :2], axis=-1)
        return ops.logical_and(after, ops.all(points < boxes[..., 2:], axis=-1))

    def get_config(self) -> dict[str, Any]:
        own = {"grids": [list(grid) for grid in self.grids], "box_weight": self.box_weight}
        return {**super().get_config(), **own}


def _answers(aligned: Any, allowed: Any, iou: Any) -> Any:
    """Which points answer for which object, 1 or 0: `[B, objects, points]`."""
    count = min(_TOP, aligned.shape[-1])
    limit = ops.top_k(aligned, count)[0][..., -1:]
    chosen = ops.logical_and(aligned >= limit, allowed)
    overlap = ops.where(chosen, iou, -1.0)
    most = ops.max(overlap, axis=1, keepdims=True)
    return ops.stop_gradient(ops.cast(ops.logical_and(chosen, overlap >= most), iou.dtype))
