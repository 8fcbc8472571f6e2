"""One class per image: softmax and cross-entropy."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascnn import data
from kerascnn.last_layers import output_kinds
from kerascnn.tasks import Metrics
from kerascnn.tasks.classification import ClassificationMetrics
from kerascnn.training import run_folder
from kerascnn.training.objectives.base import Objective

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.report.pages import TaskPages

logger = logging.getLogger("kerascnn.training")


class ClassificationObjective(Objective):
    task = "classification"
    metrics = ("accuracy",)
    monitor = "val_accuracy"

    def rows(self, labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
        return np.eye(len(names), dtype=np.float32)[labels]

    def targets(self, dataset: Any, names: Sequence[str]) -> Any:
        return data.one_hot(dataset, len(names))

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        return keras.losses.CategoricalCrossentropy(
            from_logits=output_kinds(model)[0] == "logits", label_smoothing=label_smoothing
        )

    def class_weight(self, splits: "Splits", least: float) -> dict[int, float] | None:
        counts = splits.class_counts["train"]
        if max(counts) < least * min(counts):
            return None
        mean = sum(counts) / len(counts)
        logger.info(
            "the classes are not balanced (%d to %d images): the loss of each is weighted by the "
            "inverse of its share",
            *(min(counts), max(counts)),
        )
        return {number: mean / count for number, count in enumerate(counts)}

    def plots(self, judged: Metrics, names: Sequence[str], folder: Path, title: str) -> None:
        from kerascnn.visualize import plot_confusion

        if isinstance(judged, ClassificationMetrics):
            plot_confusion(judged.confusion, names, folder / run_folder.CONFUSION, title=title)

    def pages(self) -> "type[TaskPages]":
        from kerascnn.training.report.classification_pages import ClassificationPages

        return ClassificationPages
