"""The ranges of activations: measured on samples, read, and frozen."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.quantization.grid import HIGHEST, LOWEST, exact_range
from kerascnn.quantization.layers import FakeQuantize, FoldedBatchNormalization

_BATCH = 32


@dataclass(frozen=True)
class LearnedRange:
    """What one grid of activations spans.

    Attributes:
        layer: Name of the `FakeQuantize` layer that learned it.
        low: Smallest value on the grid, 0 or less.
        high: Largest value on the grid, 0 or more.
    """

    layer: str
    low: float
    high: float

    @property
    def scale(self) -> float:
        """The step of the grid."""
        return (self.high - self.low) / (HIGHEST - LOWEST)

    @property
    def zero_point(self) -> int:
        """The integer that stands for 0."""
        return LOWEST - round(self.low / self.scale)


def learned_range(layer: FakeQuantize) -> LearnedRange | None:
    """The range of one layer; None before it saw a batch, and where the runtime fixes it."""
    if layer.fixed is not None or not float(layer.batches.numpy()):
        return None
    low, high = (float(bound.numpy()) for bound in (layer.low, layer.high))
    return LearnedRange(layer.name, *exact_range(low, high))


def learned_ranges(model: keras.Model) -> dict[str, LearnedRange]:
    """The ranges that a quantisation-aware model learned, by the names of their layers."""
    found = {layer.name: learned_range(layer) for layer in model.layers if _is_quantizer(layer)}
    return {name: span for name, span in found.items() if span is not None}


def observe(model: keras.Model, samples: np.ndarray, *, batch_size: int = _BATCH) -> None:
    """Lets a quantisation-aware model learn its ranges from samples; weights stay as they are.

    Args:
        model: From `quantize_aware`.
        samples: Inputs such as it is trained on, [n, ...].
        batch_size: How many are looked at together; the range is the mean of the batches' ranges.

    Raises:
        InputError: The model is not quantisation-aware, or there are no samples.
    """
    quantizers = [layer for layer in model.layers if _is_quantizer(layer)]
    if not quantizers:
        raise InputError(
            f"{model.name!r} has no ranges to learn. Make it quantisation-aware first: "
            "kerascnn.quantization.quantize_aware(model)."
        )
    if not len(samples):
        raise InputError("`samples` is empty. Expected some dozens of the model's inputs.")
    for layer in quantizers:
        layer.observing = True
    try:
        for start in range(0, len(samples), batch_size):
            model(samples[start : start + batch_size], training=False)
    finally:
        for layer in quantizers:
            layer.observing = False


def freeze_statistics(model: keras.Model, *, frozen: bool = True) -> None:
    """Keeps ranges and folded batch statistics as they are while the weights train on.

    Towards the end of training, the model then trains against the numbers its file will have
    (Krishnamoorthi 2018, arXiv:1806.08342, section 3.2.2). A function that was compiled before
    does not notice: call it before `fit`, or let `FreezeStatistics` do it between epochs.

    Raises:
        InputError: The model is not quantisation-aware.
    """
    layers = list(_with_statistics(model))
    if not layers:
        raise InputError(
            f"{model.name!r} has no statistics to freeze. Make it quantisation-aware first: "
            "kerascnn.quantization.quantize_aware(model)."
        )
    for layer in layers:
        layer.frozen = frozen


class FreezeStatistics(keras.callbacks.Callback):
    """Calls `freeze_statistics` before a given epoch of `fit`.

    Args:
        epoch: The first epoch with frozen statistics, counted from 0.
    """

    def __init__(self, epoch: int):
        super().__init__()
        if epoch < 0:
            raise InputError(f"`epoch` must be 0 or more. Received: epoch={epoch}")
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        model = self.model
        if epoch >= self.epoch and not all(layer.frozen for layer in _with_statistics(model)):
            freeze_statistics(model)
            model.make_train_function(force=True)  # the compiled one still learns them


def _with_statistics(
    model: keras.Model,
) -> Iterator[FakeQuantize | FoldedBatchNormalization]:
    for layer in model.layers:
        if isinstance(layer, (FakeQuantize, FoldedBatchNormalization)):
            yield layer


def _is_quantizer(layer: object) -> bool:
    return isinstance(layer, FakeQuantize)
