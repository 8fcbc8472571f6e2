"""Bias correction: taking back the mean error that rounded weights make.

Rounding a layer's weights shifts the mean of each of its outputs by (rounded - exact) times the
mean input. Subtracting that from the bias costs nothing on the device (Nagel et al. 2019,
"Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2).
"""

import re
from collections.abc import Mapping

import numpy as np

from kerascnn.export import flatbuffer
from kerascnn.export.layer_weights import activations, constant, float_layers, write_constant

_LEVELS = 127  # symmetric int8, one scale for each output


def correct_biases(
    float_bytes: bytes,
    samples: np.ndarray,
    *,
    scope: str = ".*",
    means: Mapping[int, np.ndarray] | None = None,
) -> bytes:
    """The float file with biases that make up for rounding its weights to int8, per channel.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; a few dozen of them are used.
        scope: Pattern of the operators whose weights will be rounded, by the names of what they
            make; the others keep their biases.
        means: From `mean_inputs`, to share them among calls.
    """
    model = flatbuffer.parse(float_bytes)
    graph = model.subgraphs[0]
    if means is None:
        means = mean_inputs(float_bytes, samples)
    for operator, kind in list(float_layers(model, graph)):
        if not re.search(scope, graph.tensors[operator.outputs[0]].name.decode()):
            continue
        weights = constant(model, graph, operator.inputs[1])
        values = constant(model, graph, operator.inputs[2])
        shift = _shift(weights, means[int(operator.inputs[0])], kind)
        write_constant(model, graph, operator, 2, values - shift)
    return flatbuffer.pack(model)


def mean_inputs(float_bytes: bytes, samples: np.ndarray) -> dict[int, np.ndarray]:
    """The mean of each channel of what goes into layers with weights, by tensor index."""
    model = flatbuffer.parse(float_bytes)
    wanted = {int(layer.inputs[0]) for layer, _ in float_layers(model, model.subgraphs[0])}
    sums = dict.fromkeys(wanted, np.zeros(()))
    count = 0
    for values in activations(float_bytes, samples, wanted):
        count += 1
        for index, value in values.items():
            flat = value.astype(np.float64).reshape(-1, value.shape[-1])
            sums[index] = sums[index] + flat.mean(axis=0)
    return {index: total / count for index, total in sums.items()}


def _shift(weights: np.ndarray, mean: np.ndarray, kind: str) -> np.ndarray:
    """The change of the mean of each output when the weights are rounded."""
    outputs = weights.shape[-1] if kind == "depthwise" else weights.shape[0]
    rows = weights.reshape(-1, outputs).T if kind == "depthwise" else weights.reshape(outputs, -1)
    scales = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64) / _LEVELS
    scales[scales == 0] = 1.0
    errors = np.rint(rows / scales) * scales - rows
    if kind == "depthwise":  # output c * multiplier + m sees channel c alone
        return errors.sum(axis=1) * np.repeat(mean, outputs // len(mean))
    return (errors.reshape(outputs, -1, len(mean)) * mean).sum(axis=(1, 2))
