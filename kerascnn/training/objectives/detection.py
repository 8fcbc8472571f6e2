"""Objects with boxes: an anchor-free detector upon the architecture of the run."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.augment import Compose
from kerascnn.errors import InputError
from kerascnn.losses import DetectionLoss
from kerascnn.tasks.average_precision import average_precisions
from kerascnn.tasks.boxes import CROWD, Row
from kerascnn.tasks.detection import detections
from kerascnn.tasks.probabilities import sigmoid
from kerascnn.training.objectives.assignment import encode
from kerascnn.training.objectives.base import Objective
from kerascnn.transfer.detector import (
    attach_detector,
    grid_sizes,
    inference_form,
    training_form,
)

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.report.pages import TaskPages

_JUDGED = 300  # validation images that each epoch is judged by; of more, an even sample
# Of the picture's side: what is left of an object after a crop teaches nothing below that.
_LEAST_SIDE = 0.02


class DetectionObjective(Objective):
    task = "detection"
    metrics = ()
    monitor = "val_map"

    def network(
        self,
        create: Callable[..., keras.Model],
        names: Sequence[str],
        labels: np.ndarray,
        options: Mapping[str, Any],
    ) -> keras.Model:
        backbone = create(include_top=False, **options)
        return training_form(attach_detector(backbone, len(names), name=backbone.name))

    def fine_tuned(
        self, backbone: keras.Model, names: Sequence[str], head: str, labels: np.ndarray
    ) -> keras.Model:
        raise InputError(
            "detection trains all layers from the weights in one phase. Leave fine_tune out."
        )

    def targets(self, dataset: Any, names: Sequence[str]) -> Any:
        import tensorflow as tf

        grids = _grids(dataset)
        return dataset.map(
            lambda images, rows: (images, encode(rows, grids)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def batches(
        self,
        dataset: Any,
        pipeline: Compose,
        names: Sequence[str],
        seed: int,
        first_epoch: int,
    ) -> Any:
        if pipeline.steps:
            size = tuple(dataset.element_spec[0].shape[1:3])
            moved = pipeline.map(_with_boxes(dataset, size), seed, first_epoch=first_epoch)
            dataset = _with_rows(moved, size)
        return self.targets(dataset, names)

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        return DetectionLoss()

    def epoch_scores(self, splits: "Splits") -> keras.callbacks.Callback:
        return EpochScores(splits)

    def finished(self, model: keras.Model) -> keras.Model:
        return inference_form(model)

    def pages(self) -> "type[TaskPages]":
        from kerascnn.training.report.detection_pages import DetectionPages

        return DetectionPages


class EpochScores(keras.callbacks.Callback):
    """Adds `val_map` and `val_ap50` to the logs of each epoch of a detector's training form.

    Args:
        splits: The data, whose validation images are judged: of more than 300, an even sample.
    """

    def __init__(self, splits: "Splits"):
        super().__init__()
        count = splits.counts["validation"]
        places = np.linspace(0, count - 1, min(count, _JUDGED)).round().astype(int)
        self._images, self._rows = splits.take("validation", places)
        self._classes = len(splits.class_names)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = self.model.predict(self._images, batch_size=32, verbose=0)
        found = detections(values[..., :4], sigmoid(values[..., 4:]))
        table = average_precisions(found, self._rows, self._classes, by_size=False)[..., 0]
        known = ~np.isnan(table[0])
        if logs is not None:
            logs["val_map"] = float(table[:, known].mean()) if known.any() else 0.0
            logs["val_ap50"] = float(table[0, known].mean()) if known.any() else 0.0


def _grids(dataset: Any) -> tuple[tuple[int, int], ...]:
    return grid_sizes(*dataset.element_spec[0].shape[1:3])


def _with_boxes(dataset: Any, size: tuple[int, int]) -> Any:
    """As a pipeline of augmentation takes them: boxes in pixels, beside the rest of the rows."""
    edges = np.array([size[1], size[0]] * 2, np.float32)

    def prepare(images: Any, rows: Any) -> dict[str, Any]:
        return {"images": images, "boxes": rows[..., : Row.BOTTOM + 1] * edges, "rows": rows}

    return dataset.map(prepare)


def _with_rows(dataset: Any, size: tuple[int, int]) -> Any:
    """(images, rows) again. Slivers that a crop left of an object count for nothing."""
    import tensorflow as tf

    edges = np.array([size[1], size[0]] * 2, np.float32)

    def restore(element: dict[str, Any]) -> tuple[Any, Any]:
        boxes, rows = element["boxes"] / edges, element["rows"]
        before = rows[..., Row.RIGHT : Row.BOTTOM + 1] - rows[..., Row.LEFT : Row.TOP + 1]
        after = boxes[..., Row.RIGHT : Row.BOTTOM + 1] - boxes[..., Row.LEFT : Row.TOP + 1]
        sliver = tf.reduce_any(after < tf.minimum(before, _LEAST_SIDE), axis=-1)
        flag = tf.where(sliver, float(CROWD), rows[..., Row.FLAG])
        parts = [boxes, rows[..., Row.LABEL : Row.FLAG], flag[..., tf.newaxis]]
        return element["images"], tf.concat([*parts, rows[..., Row.AREA :]], axis=-1)

    return dataset.map(restore, num_parallel_calls=tf.data.AUTOTUNE)
