"""The loss of a detector that speaks at the points of feature maps."""

from typing import Any

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class DetectionLoss(keras.losses.Loss):
    """The loss of an anchor-free detector: how well boxes fit, and whether scores say so.

    Of each point with an object the box costs 1 - GIoU (arXiv:1902.09630), and the score of its
    class is to be the box's IoU, that of every other class and point 0: quality focal loss
    (arXiv:2006.04388), the cross-entropy times the squared difference. Both are summed and divided
    by the points with an object in the batch, 1 at least: a batch without objects teaches
    background.

    Labels are `[B, points, 5]`: the top, left, bottom and right edge of the object at each point,
    and its class counted from 1; 0 is background, -1 a point that counts for nothing. Predictions
    are `[B, points, 4 + classes]`: edges and logits, as
    `kerascnn.transfer.detector.training_form` gives them.

    Args:
        box_weight: Of the boxes against the scores.
        beta: Exponent of the difference.
    """

    def __init__(
        self,
        box_weight: float = 2.0,
        beta: float = 2.0,
        name: str = "detection_loss",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.box_weight = arguments.positive("box_weight", box_weight)
        self.beta = arguments.positive("beta", beta)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        label, logits = y_true[..., 4], y_pred[..., 4:]
        has_object = ops.cast(label > 0, y_pred.dtype)
        iou, giou = box_likeness(y_true[..., :4], y_pred[..., :4])
        quality = ops.stop_gradient(iou) * has_object
        classes = ops.one_hot(ops.cast(label, "int32") - 1, logits.shape[-1], dtype=y_pred.dtype)
        wanted = classes * ops.expand_dims(quality, -1)
        # Of a logit x and a wanted share w: softplus(x) - w x, without overflow.
        entropy = ops.softplus(logits) - wanted * logits
        far = ops.power(ops.abs(wanted - ops.sigmoid(logits)) + 1e-9, self.beta)
        scores = ops.sum(entropy * far, axis=-1) * ops.cast(label >= 0, y_pred.dtype)
        each = ops.sum(scores + self.box_weight * has_object * (1 - giou), axis=-1)
        count = ops.cast(ops.shape(y_pred)[0], y_pred.dtype)
        return each * (count / ops.maximum(ops.sum(has_object), 1.0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "box_weight": self.box_weight, "beta": self.beta}


def box_likeness(first: Any, second: Any) -> tuple[Any, Any]:
    """IoU and generalised IoU (arXiv:1902.09630) of pairs of boxes `[..., 4]`, starts first."""
    start = ops.maximum(first[..., :2], second[..., :2])
    end = ops.minimum(first[..., 2:], second[..., 2:])
    shared = _area(start, end)
    union = _area(first[..., :2], first[..., 2:]) + _area(second[..., :2], second[..., 2:]) - shared
    low = ops.minimum(first[..., :2], second[..., :2])
    high = ops.maximum(first[..., 2:], second[..., 2:])
    union, around = ops.maximum(union, 1e-9), ops.maximum(_area(low, high), 1e-9)
    iou = shared / union
    return iou, iou - (around - union) / around


def _area(start: Any, end: Any) -> Any:
    sides = ops.maximum(end - start, 0.0)
    return sides[..., 0] * sides[..., 1]
