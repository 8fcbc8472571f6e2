"""What fine-tuning lowers and measures, where the caller does not say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn.losses import Crossentropy


@dataclass(frozen=True)
class Objective:
    """What training lowers, what is measured, and what decides which epoch is the best."""

    loss: Any
    metrics: list[Any]
    monitor: str


def find_objective(
    model: keras.Model,
    train: Iterable[Any],
    loss: Any,
    metrics: Sequence[Any] | None,
    monitor: str | None,
    label_smoothing: float,
) -> Objective:
    """Completes what the caller left open, by the last layer and the form of the labels."""
    _, labels = next(iter(train))
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "softmax")
    if loss is not None:
        classifier = "crossentropy" in str(getattr(loss, "name", loss)).lower()
    else:
        classifier = activation in ("softmax", "sigmoid")
        if activation == "softmax":
            loss = Crossentropy(label_smoothing)
        elif activation == "sigmoid":
            loss = keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
        else:
            loss = keras.losses.MeanSquaredError()
    if metrics is None and not classifier:
        metrics = ["mean_absolute_error"]
    elif metrics is None and activation == "sigmoid":
        metrics = [keras.metrics.BinaryAccuracy(name="accuracy")]
    elif metrics is None and len(np.shape(labels)) == 1:
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    elif metrics is None:
        metrics = [keras.metrics.CategoricalAccuracy(name="accuracy")]
    monitor = monitor or ("val_accuracy" if classifier else "val_loss")
    return Objective(loss, list(metrics or ()), monitor)
