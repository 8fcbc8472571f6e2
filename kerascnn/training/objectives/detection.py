"""Objects with boxes: an anchor-free detector upon the architecture of the run."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.augment import Compose
from kerascnn.data.point_targets import encoded, with_boxes, with_rows
from kerascnn.errors import InputError
from kerascnn.losses import DetectionLoss
from kerascnn.tasks.average_precision import average_precisions
from kerascnn.tasks.detections import detections
from kerascnn.tasks.probabilities import sigmoid
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
        return encoded(dataset, grid_sizes(*dataset.element_spec[0].shape[1:3]))

    def batches(
        self,
        dataset: Any,
        pipeline: Compose,
        names: Sequence[str],
        seed: int,
        first_epoch: int,
    ) -> Any:
        if pipeline.steps:
            moved = pipeline.map(with_boxes(dataset), seed, first_epoch=first_epoch)
            dataset = with_rows(moved)
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
