"""Losses that Keras lacks."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import arguments


@keras.saving.register_keras_serializable(package="kerascnn")
class Crossentropy(keras.losses.Loss):
    """Cross-entropy of probabilities, for class indices and for one-hot or mixed labels alike.

    `keras.losses.SparseCategoricalCrossentropy` has no label smoothing.

    Args:
        label_smoothing: Share of each label spread evenly over all classes (Szegedy et al. 2016,
            section 7), in [0, 1).
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "crossentropy", **options: Any):
        super().__init__(name=name, **options)
        self.label_smoothing = arguments.rate("label_smoothing", label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_true.shape) < len(y_pred.shape):
            y_true = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        return keras.losses.categorical_crossentropy(
            y_true, y_pred, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


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
