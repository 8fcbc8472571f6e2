"""What differs between the tasks of training: the last layers, the loss, the figures.

Classification gives one class to an image, multi-label classification any number of labels, and
regression estimates quantities. Everything else of a run is the same.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from kerascnn import data
from kerascnn.errors import InputError
from kerascnn.losses import ScaledHuber
from kerascnn.training.metrics import Metrics, classification_metrics
from kerascnn.training.multi_label import MultiLabelMetrics, multi_label_metrics
from kerascnn.training.regression import RegressionMetrics, regression_metrics

Measured = Metrics | MultiLabelMetrics | RegressionMetrics


class Task:
    """Base of the tasks.

    Attributes:
        options: Options of the architecture that the task decides.
        metric: What Keras measures beside the loss in each epoch.
    """

    options: ClassVar[dict[str, Any]] = {}
    metric: ClassVar[str]

    def targets(self, dataset: Any, classes: int) -> Any:
        """From a dataset with the labels of `Splits` to one with what the loss takes."""
        return dataset

    def rows(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """The same for an array of labels."""
        return labels

    def complete(self, model: keras.Model, labels: np.ndarray) -> keras.Model:
        """The model with the layers that the task adds at its end.

        Args:
            model: With one output per class, label or target, built with `options`.
            labels: Of the training images.
        """
        return model

    def loss(self, labels: np.ndarray, label_smoothing: float, logits: bool) -> keras.losses.Loss:
        """The loss of a complete model.

        Args:
            labels: Of the training images.
            label_smoothing: Share of each label spread over all classes, in classification.
            logits: Whether the model ends without an activation, in classification.
        """
        raise NotImplementedError

    def measure(self, outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Measured:
        """The figures of a split: probabilities or values, against the labels of `Splits`."""
        raise NotImplementedError


class Classification(Task):
    """One class per image: softmax and cross-entropy."""

    metric = "accuracy"

    def targets(self, dataset: Any, classes: int) -> Any:
        return data.one_hot(dataset, classes)

    def rows(self, labels: np.ndarray, classes: int) -> np.ndarray:
        return np.eye(classes, dtype=np.float32)[labels]

    def loss(self, labels: np.ndarray, label_smoothing: float, logits: bool) -> keras.losses.Loss:
        return keras.losses.CategoricalCrossentropy(
            from_logits=logits, label_smoothing=label_smoothing
        )

    def measure(self, outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Metrics:
        return classification_metrics(outputs, labels, names)


class MultiLabel(Task):
    """Any number of labels per image: a sigmoid and binary cross-entropy for each."""

    options: ClassVar[dict[str, Any]] = {"classifier_activation": "sigmoid"}
    metric = "binary_accuracy"

    def loss(self, labels: np.ndarray, label_smoothing: float, logits: bool) -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy()

    def measure(
        self, outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]
    ) -> MultiLabelMetrics:
        return multi_label_metrics(outputs, labels, names)


class Regression(Task):
    """Quantities: the network learns them standardised, its last layer gives their own units."""

    options: ClassVar[dict[str, Any]] = {"classifier_activation": None}
    metric = "mae"

    def complete(self, model: keras.Model, labels: np.ndarray) -> keras.Model:
        mean, std = (values.tolist() for values in _mean_and_std(labels))
        units = keras.layers.Rescaling(std, mean, dtype="float32", name="units")
        return keras.Model(model.inputs, units(model.output), name=model.name)

    def loss(self, labels: np.ndarray, label_smoothing: float, logits: bool) -> keras.losses.Loss:
        return ScaledHuber(_mean_and_std(labels)[1].tolist())

    def measure(
        self, outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]
    ) -> RegressionMetrics:
        return regression_metrics(outputs, labels, names)


_TASKS: dict[str, Task] = {
    "classification": Classification(),
    "multi_label": MultiLabel(),
    "regression": Regression(),
}


def find(name: str) -> Task:
    """Returns the task of a name, such as `Splits.task` has it; InputError if there is none."""
    if name not in _TASKS:
        raise InputError(f"unknown task {name!r}. Known: {', '.join(_TASKS)}.")
    return _TASKS[name]


def _mean_and_std(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = labels.astype(np.float64)
    return labels.mean(axis=0), labels.std(axis=0)
