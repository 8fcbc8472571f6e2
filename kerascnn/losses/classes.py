"""Losses of classes and of quantities."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import arguments


def class_rows(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels of classes as rows, and a factor that makes the loss of what is no class NaN.

    Args:
        y_true: Indices `[B]` or `[B, 1]`, or rows `[B, classes]`.
        y_pred: `[B, classes]`.

    Returns:
        Rows `[B, classes]`, and `[B]`: 1, or NaN where an index is none of the classes or no whole
        number, or a row has a negative share or nothing but zeros. A factor, as a choice between
        the loss and NaN would leave the derivative 0.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    rank, classes = len(y_pred.shape), y_pred.shape[-1]
    if len(y_true.shape) == rank and y_true.shape[-1] == 1 and classes > 1:
        y_true = ops.squeeze(y_true, axis=-1)
    if len(y_true.shape) < rank:
        indices = ops.clip(ops.cast(y_true, "int32"), 0, classes - 1)
        known = ops.cast(indices, y_true.dtype) == y_true
        rows = ops.one_hot(indices, classes, dtype=y_pred.dtype)
    else:
        rows = ops.cast(y_true, y_pred.dtype)
        known = ops.logical_and(ops.all(rows >= 0, axis=-1), ops.any(rows > 0, axis=-1))
    return rows, ops.where(known, 1.0, math.nan)


@keras.saving.register_keras_serializable(package="kerascnn")
class Crossentropy(keras.losses.Loss):
    """Cross-entropy for class indices and for one-hot or mixed labels alike.

    `keras.losses.SparseCategoricalCrossentropy` has no label smoothing.

    The loss of an image whose label is no class is NaN, and so is the derivative: an index outside
    0..classes-1 (as of classes counted from 1, or -1 for "unlabelled"), no whole number, a row of
    zeros, which `one_hot` makes of such an index, or one with a negative share. On TensorFlow's CPU
    kernels Keras's sparse loss raises an error there, on GPUs and compiled by XLA it is NaN too, on
    JAX it is that of another class or none. A weight of 0 does not hide it. `fine_tune`, `fit_head`
    and `lr_find` say the label and its place, before the step.

    Labels are `[B]` or `[B, 1]` indices, or rows `[B, classes]`.

    Args:
        label_smoothing: Share of each label spread evenly over all classes (Szegedy et al. 2016,
            section 7), in [0, 1).
        from_logits: Whether the model gives what a softmax takes, instead of probabilities.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        name: str = "crossentropy",
        *,
        from_logits: bool = False,
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.label_smoothing = arguments.rate("label_smoothing", label_smoothing)
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        rows, known = class_rows(y_true, y_pred)
        loss = keras.losses.categorical_crossentropy(
            rows, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )
        return loss * known

    def get_config(self) -> dict[str, Any]:
        own = {"label_smoothing": self.label_smoothing, "from_logits": self.from_logits}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="kerascnn")
class ScaledHuber(keras.losses.Loss):
    """Huber loss of the differences divided by a scale for each target.

    With the standard deviations of the targets as `scale`, targets of any units count alike, and
    the loss is that of standardised targets: half the square of differences up to `delta` standard
    deviations, linear beyond (Huber 1964, "Robust Estimation of a Location Parameter").

    Args:
        scale: One number above 0 for each target.
        delta: Where the square ends, in units of `scale`.
    """

    def __init__(
        self,
        scale: Sequence[float],
        *,
        delta: float = 1.0,
        name: str = "scaled_huber",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not isinstance(scale, Iterable) or isinstance(scale, str) or not (given := list(scale)):
            arguments.refuse("scale", "numbers above 0, one for each target", scale)
        self.scale = [arguments.positive("scale", value) for value in given]
        self.delta = arguments.positive("delta", delta)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        scale = ops.cast(self.scale, y_pred.dtype)
        return keras.losses.huber(
            ops.cast(y_true, y_pred.dtype) / scale, y_pred / scale, self.delta
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "delta": self.delta}
