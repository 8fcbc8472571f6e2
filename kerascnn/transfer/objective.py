"""What fine-tuning lowers and measures, where the caller does not say."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.targets import Targets, targets_of
from kerascnn.losses import Crossentropy
from kerascnn.transfer.callbacks import direction_of, metric_name

logger = logging.getLogger("kerascnn.transfer")

_ACTIVATIONS = ("softmax", "sigmoid", "linear")


@dataclass(frozen=True)
class Objective:
    """What training lowers, what is measured, and what decides which epoch is the best.

    Attributes:
        rising: Whether a higher value of `monitor` is better.
        targets: What the loss takes.
    """

    loss: Any
    metrics: list[Any]
    monitor: str
    rising: bool
    targets: Targets


def find_objective(
    model: keras.Model,
    labels: np.ndarray,
    loss: Any,
    metrics: Sequence[Any] | None,
    monitor: str | None,
    label_smoothing: float,
) -> Objective:
    """Completes what the caller left open, by the last layer and the form of the labels.

    Args:
        model: With one output.
        labels: Of the first batch.
        loss, metrics, monitor, label_smoothing: As `fine_tune` takes them.

    Raises:
        InputError: A loss that does not suit the last layer, or a metric that may be better either
            way.
    """
    shape = tuple(model.outputs[0].shape)
    activation = last_activation(model)
    if activation == "softmax" and shape[-1] == 1:
        raise InputError(
            f"the softmax of {model.name!r} has one output, which is 1 for any image. Two classes "
            "take Dense(2, activation='softmax') or Dense(1, activation='sigmoid')."
        )
    if loss is None:
        loss = _suiting(model, activation, labels, shape, label_smoothing)
    else:
        check_activation(model, loss)
    targets = targets_of(loss, shape)
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    name = str(name or getattr(loss, "__name__", ""))
    classifier = "crossentropy" in name.lower() or targets.form.startswith(("indices", "rows"))
    if metrics is None:
        metrics = [_metric(classifier, targets, activation, labels)]
    metrics = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    measured = [metric_name(metric) for metric in metrics]
    if monitor is None:
        monitor = "val_accuracy" if classifier and "accuracy" in measured else "val_loss"
    return Objective(loss, metrics, monitor, _rises(monitor, metrics), targets)


def last_activation(model: keras.Model) -> str | None:
    """ "softmax", "sigmoid" or "linear", by the layer that gives the output; None: another."""
    layer: Any = model
    while isinstance(layer, keras.Model):
        graph = getattr(layer, "_functional", None) or layer
        outputs: Any = getattr(graph, "outputs", None) or ()
        if len(outputs) != 1:
            return None
        layer = outputs[0]._keras_history.operation
    kind = type(layer).__name__.lower()
    if kind in _ACTIVATIONS:  # a layer, or an operation of `keras.ops`
        return kind
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return name if name in _ACTIVATIONS else None


def check_activation(model: keras.Model, loss: Any) -> None:
    """An InputError for a loss of probabilities behind a layer that gives logits."""
    if last_activation(model) != "linear":
        return
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    of_shares = "crossentropy" in name.lower().replace("_", "")
    options = getattr(loss, "_fn_kwargs", {})
    from_logits = getattr(loss, "from_logits", options.get("from_logits", False))
    if of_shares and not from_logits:
        known = targets_of(loss, tuple(model.outputs[0].shape)).form != "any"
        if known:
            raise InputError(
                f"{model.name!r} ends without an activation, and the loss {name!r} takes "
                "probabilities. Say from_logits=True, as in keras.losses."
                "SparseCategoricalCrossentropy(from_logits=True), or leave the loss out."
            )


def _suiting(
    model: keras.Model,
    activation: str | None,
    labels: np.ndarray,
    shape: tuple[Any, ...],
    label_smoothing: float,
) -> Any:
    """The loss for the last layer; where that does not tell, the labels decide."""
    if activation == "sigmoid":
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
    kind = "classes" if activation == "softmax" else _kind_of(labels, shape[-1])
    if kind == "quantities":
        return keras.losses.MeanSquaredError()
    if activation != "linear":  # a softmax, or a layer of another kind that gives probabilities
        return Crossentropy(label_smoothing)
    logger.info(
        "%r ends without an activation, and the labels are %s: trained by the cross-entropy of its "
        "logits. For quantities say loss='mse'",
        *(model.name, kind),
    )
    if kind == "classes":
        return Crossentropy(label_smoothing, from_logits=True)
    return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing)


def _kind_of(labels: np.ndarray, outputs: int) -> str:
    """What labels of a model without a last activation are."""
    rank = 1 if labels.ndim == 2 and labels.shape[1] == 1 else labels.ndim
    if labels.dtype.kind not in "biuf" or not labels.size:
        return "classes"
    switches = bool(np.isin(labels, (0, 1)).all())
    if rank == 1 and outputs > 1:
        return "classes"
    if rank == 2 and labels.shape[1] == outputs:
        sums = labels.sum(axis=1, dtype=np.float64)
        if (labels >= 0).all() and (np.abs(sums - 1) < 1e-3).all():
            return "classes"
        return "labels of 0 and 1" if switches else "quantities"
    if rank == 1 and outputs == 1 and switches and labels.dtype.kind in "biu":
        return "labels of 0 and 1"
    return "quantities"


def _metric(
    classifier: bool, targets: Targets, activation: str | None, labels: np.ndarray
) -> keras.metrics.Metric | str:
    if not classifier:
        return "mean_absolute_error"
    if targets.form == "binary":
        threshold = 0.0 if activation == "linear" else 0.5
        return keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold)
    if targets.form == "any":
        return "accuracy"
    if len(targets.arranged(labels).shape) == 1:
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return keras.metrics.CategoricalAccuracy(name="accuracy")


def _rises(monitor: str, metrics: Sequence[Any]) -> bool:
    name = monitor.removeprefix("val_")
    if name == "loss":
        return False
    measured = {metric_name(metric): direction_of(metric) for metric in metrics}
    if name not in measured:
        raise InputError(
            f"`monitor` must be val_loss or a metric. Received: {monitor!r}. The metrics: "
            f"{', '.join(f'val_{each}' for each in measured) or 'none'}."
        )
    if measured[name] is None and "accuracy" not in name:
        raise InputError(
            f"it is not known whether a higher {monitor!r} is better or a lower one. Monitor "
            "val_loss, or one of Keras's metrics."
        )
    return measured[name] != "min"
