"""Quantities: the network learns them standardised, its last layer gives their own units."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np

from kerascnn.losses import ScaledHuber
from kerascnn.training.objectives.base import Objective
from kerascnn.transfer.heads import TASKS

if TYPE_CHECKING:
    from kerascnn.training.report.pages import TaskPages


class RegressionObjective(Objective):
    task = "regression"
    options: ClassVar[Mapping[str, Any]] = {"classifier_activation": TASKS[task]}
    metrics = ("mae",)

    def complete(self, model: keras.Model, labels: np.ndarray) -> keras.Model:
        mean, std = (values.tolist() for values in mean_and_std(labels))
        units = keras.layers.Rescaling(std, mean, dtype="float32", name="units")
        return keras.Model(model.inputs[0], units(model.output), name=model.name)

    def loss(self, model: keras.Model, labels: np.ndarray, label_smoothing: float) -> Any:
        return ScaledHuber(mean_and_std(labels)[1].tolist())

    def pages(self) -> "type[TaskPages]":
        from kerascnn.training.report.regression_pages import RegressionPages

        return RegressionPages


def mean_and_std(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each quantity, in float64."""
    labels = labels.astype(np.float64)
    return labels.mean(axis=0), labels.std(axis=0)
