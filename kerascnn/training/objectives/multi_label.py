"""Any number of labels per image: a sigmoid and binary cross-entropy for each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np

from kerascnn.training.objectives.base import Objective
from kerascnn.transfer.heads import TASKS

if TYPE_CHECKING:
    from kerascnn.training.report.pages import TaskPages


class MultiLabelObjective(Objective):
    task = "multi_label"
    options: ClassVar[Mapping[str, Any]] = {"classifier_activation": TASKS[task]}
    metrics = ("binary_accuracy",)

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        return keras.losses.BinaryCrossentropy()

    def pages(self) -> "type[TaskPages]":
        from kerascnn.training.report.multi_label_pages import MultiLabelPages

        return MultiLabelPages
