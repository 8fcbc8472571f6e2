"""Bias correction: taking back the mean error that rounded weights make.

Rounding a layer's weights shifts the mean of each of its outputs by (rounded - exact) times the
mean input. Subtracting that from the bias costs nothing on the device (Nagel et al. 2019,
"Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2).
"""

import numpy as np

from kerascnn.export import flatbuffer
from kerascnn.export.layer_weights import activations, constant, float_layers, write_constant

_LEVELS = 127  # symmetric int8, one scale for each output


def correct_biases(float_bytes: bytes, samples: np.ndarray) -> bytes:
    """The float file with biases that make up for rounding its weights to int8, per channel.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; a few dozen of them are used.
    """
    model = flatbuffer.parse(float_bytes)
    graph = model.subgraphs[0]
    layers = list(float_layers(model, graph))
    means = _mean_inputs(float_bytes, samples, {int(layer.inputs[0]) for layer, _ in layers})
    for operator, kind in layers:
        weights = constant(model, graph, operator.inputs[1])
        values = constant(model, graph, operator.inputs[2])
        shift = _shift(weights, means[int(operator.inputs[0])], kind)
        write_constant(model, graph, operator, 2, values - shift)
    return flatbuffer.pack(model)


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


def _mean_inputs(
    float_bytes: bytes, samples: np.ndarray, wanted: set[int]
) -> dict[int, np.ndarray]:
    """The mean of each channel of some tensors, over pixels and samples."""
    sums = dict.fromkeys(wanted, np.zeros(()))
    count = 0
    for values in activations(float_bytes, samples, wanted):
        count += 1
        for index, value in values.items():
            flat = value.astype(np.float64).reshape(-1, value.shape[-1])
            sums[index] = sums[index] + flat.mean(axis=0)
    return {index: total / count for index, total in sums.items()}
