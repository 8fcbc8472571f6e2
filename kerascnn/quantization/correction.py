"""The mean error of rounded weights, taken up by biases before training begins.

Bias correction (Nagel et al. 2019, arXiv:1906.04721, section 4.2). Training would find it too; from
here it starts where a file made after training stands.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.quantization.graph import take_apart
from kerascnn.quantization.layers import FoldedBatchNormalization, QuantizedWeights

_SAMPLES = 64  # enough for a mean over all pixels of all of them
_BATCH = 32


def correct_means(model: keras.Model, samples: np.ndarray) -> None:
    """Gives each layer's outputs the mean that they have with exact weights.

    Layers without a bias leave it to the batch normalisation behind them, whose moving mean
    changes; without that, they stay as they are.

    Args:
        model: A quantisation-aware model whose ranges are known.
        samples: Inputs such as it is trained on, [n, ...]; a few dozen of them are used.
    """
    graph = take_apart(model)
    layers = {id(s.operation): s.operation for s in graph.steps}
    rounded = [layer for layer in layers.values() if isinstance(layer, QuantizedWeights)]
    chosen = samples[:: max(1, len(samples) // _SAMPLES)][:_SAMPLES]
    shifts: dict[int, list[np.ndarray]] = {id(layer): [] for layer in rounded}
    with contextlib.ExitStack() as stack:
        for layer in rounded:
            stack.enter_context(_compared(layer, shifts[id(layer)]))
        for start in range(0, len(chosen), _BATCH):
            model(chosen[start : start + _BATCH], training=False)
    for layer in rounded:
        if layer.layer.use_bias:
            layer.layer.bias.assign_sub(np.mean(shifts[id(layer)], axis=0))
    for step in graph.steps:
        if not isinstance(step.operation, FoldedBatchNormalization):
            continue
        before = graph.steps[graph.producers[step.inputs[0]]].operation
        if not before.layer.use_bias:
            shift = np.mean(shifts[id(before)], axis=0)
            step.operation.layer.moving_mean.assign_add(shift)


@contextlib.contextmanager
def _compared(layer: QuantizedWeights, shifts: list[np.ndarray]) -> Iterator[None]:
    """While open, each call of the layer notes by how much rounding moves the mean outputs."""

    def call(x: Any) -> Any:
        outputs = layer.outputs(x, layer.rounded_kernel())
        difference = outputs - layer.outputs(x, layer.layer.kernel)
        axes = tuple(range(len(outputs.shape) - 1))
        shifts.append(ops.convert_to_numpy(ops.mean(difference, axis=axes)))
        return outputs

    layer.call = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        del layer.call  # the class's own shows again
