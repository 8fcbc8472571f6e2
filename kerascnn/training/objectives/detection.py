"""Objects with boxes: a detector upon the architecture of the run, or one by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn.augment import Compose
from kerascnn.catalog import Entry
from kerascnn.data.grid_targets import grid_encoded
from kerascnn.data.heat_targets import heat_encoded
from kerascnn.data.mosaic import with_mosaics
from kerascnn.data.point_targets import encoded, with_boxes, with_rows
from kerascnn.errors import InputError
from kerascnn.losses import CellLoss, DetectionLoss, GridLoss, HeatmapLoss, TaskAlignedLoss
from kerascnn.tasks.average_precision import average_precisions
from kerascnn.tasks.detections import detections
from kerascnn.training.detection_options import DetectorKind, kind_of, without_kind
from kerascnn.training.objectives.base import Objective
from kerascnn.transfer.detector import (
    attach_detector,
    grid_sizes,
    inference_form,
    training_form,
)
from kerascnn.transfer.heat_detector import (
    CENTERNET_STRIDE,
    FOMO_STRIDE,
    attach_centernet,
    attach_fomo,
    cells,
)

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.report.pages import TaskPages

_JUDGED = 300  # validation images that each epoch is judged by; of more, an even sample


class DetectionObjective(Objective):
    """Detectors, of the kind that the options ask for."""

    task = "detection"
    metrics = ()
    monitor = "val_map"

    def __init__(self, kind: DetectorKind | None = None):
        self.kind = kind or DetectorKind()

    def chosen(self, entry: Entry, options: Mapping[str, Any]) -> Objective:
        return DetectionObjective(kind_of(entry, options))

    def network(
        self,
        create: Callable[..., keras.Model],
        names: Sequence[str],
        labels: np.ndarray,
        options: Mapping[str, Any],
    ) -> keras.Model:
        options = without_kind(options)
        if self.kind.head == "grid":
            return training_form(create(classes=len(names), **options))
        backbone = create(include_top=False, **options)
        attach = {
            "points": attach_detector,
            "centernet": attach_centernet,
            "fomo": attach_fomo,
        }[self.kind.head]
        return training_form(attach(backbone, len(names), name=backbone.name))

    def fine_tuned(
        self, backbone: keras.Model, names: Sequence[str], head: str, labels: np.ndarray
    ) -> keras.Model:
        raise InputError(
            "detection trains all layers from the weights in one phase. Leave fine_tune out."
        )

    def targets(self, dataset: Any, names: Sequence[str]) -> Any:
        height, width = dataset.element_spec[0].shape[1:3]
        if self.kind.head == "grid":
            return grid_encoded(dataset, (self.kind.grid, self.kind.grid))
        if self.kind.head == "centernet":
            (cells,) = grid_sizes(height, width, (CENTERNET_STRIDE,))
            return heat_encoded(dataset, cells, len(names))
        if self.kind.head == "fomo":
            return encoded(dataset, grid_sizes(height, width, (FOMO_STRIDE,)), radius=0.5)
        if self.kind.assignment == "task_aligned":
            return dataset  # the loss takes the objects themselves
        return encoded(dataset, grid_sizes(height, width))

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
        if self.kind.mosaic:
            dataset = with_mosaics(dataset, self.kind.mosaic, seed, first_epoch)
        return self.targets(dataset, names)

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        if self.kind.head == "grid":
            return GridLoss(self.kind.boxes)
        if self.kind.head == "centernet":
            return HeatmapLoss(cells(model))
        if self.kind.head == "fomo":
            return CellLoss(cells(model))
        if self.kind.assignment == "task_aligned":
            return TaskAlignedLoss(grid_sizes(*model.input_shape[1:3]))
        return DetectionLoss()

    def epoch_scores(self, splits: "Splits") -> keras.callbacks.Callback:
        return EpochScores(splits, self.kind.boxes)

    def finished(self, model: keras.Model) -> keras.Model:
        return inference_form(model, self.kind.boxes)

    def pages(self) -> "type[TaskPages]":
        from kerascnn.training.report.detection_pages import DetectionPages

        return DetectionPages


class EpochScores(keras.callbacks.Callback):
    """Adds `val_map` and `val_ap50` to the logs of each epoch of a detector's training form.

    Args:
        splits: The data, whose validation images are judged: of more than 300, an even sample.
        boxes: Of each cell, of YOLO's networks.
    """

    def __init__(self, splits: "Splits", boxes: int = 2):
        super().__init__()
        self._boxes = boxes
        self._finished: keras.Model | None = None
        count = splits.counts["validation"]
        places = np.linspace(0, count - 1, min(count, _JUDGED)).round().astype(int)
        self._images, self._rows = splits.take("validation", places)
        self._classes = len(splits.class_names)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._finished is None:  # the same layers: it is compiled once
            self._finished = inference_form(self.model, self._boxes)
        scores, boxes = self._finished.predict(self._images, batch_size=32, verbose=0)
        found = detections(boxes, scores)
        table = average_precisions(found, self._rows, self._classes, by_size=False)[..., 0]
        known = ~np.isnan(table[0])
        if logs is not None:
            logs["val_map"] = float(table[:, known].mean()) if known.any() else 0.0
            logs["val_ap50"] = float(table[0, known].mean()) if known.any() else 0.0
