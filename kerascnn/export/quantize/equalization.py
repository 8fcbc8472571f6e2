"""Cross-layer equalisation: giving the channels of an activation similar ranges.

Scaling a channel down in one layer and up in the next keeps the function, because a ReLU lets
positive factors pass (Nagel et al. 2019, arXiv:1906.04721, "Data-Free Quantization Through Weight
Equalization and Bias Correction", section 4.1). There the factors balance the weights of the two
layers. Files of today scale weights per output channel, so what is left to balance is the
activation between them, with one scale for all channels, against the second layer's weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.quantize.layer_weights import activations, float_layers

_RELU6 = 6.0


@dataclass(frozen=True)
class _Pair:
    """Two layers with nothing but a ReLU, zero padding or pooling between them.

    Attributes:
        first: The operator whose output channels are scaled.
        first_kind: "conv", "depthwise" or "dense".
        second: The operator that takes the scales back.
        kind: Of the second: "conv", "depthwise" or "dense".
        limit: Where the activation between them clips; infinite for a plain ReLU.
    """

    first: Any
    first_kind: str
    second: Any
    kind: str
    limit: float


def equalize(float_bytes: bytes, samples: np.ndarray) -> bytes | None:
    """The float file with equalised channels; it computes the same.

    Behind a ReLU6 the same holds up to the largest value that the samples reach.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; a few dozen of them are used.

    Returns:
        None for a network without depthwise layers between others: there, channels have similar
        ranges as a rule, and weights of their own to make up for it.
    """
    graph = Graph(float_bytes)
    pairs = list(_pairs(graph))
    if not any(pair.kind == "depthwise" for pair in pairs):
        return None
    largest = _channel_maxima(float_bytes, samples, {int(p.first.outputs[0]) for p in pairs})
    for pair in pairs:
        weights = graph.values(int(pair.second.inputs[1]))
        factors = _factors(largest[int(pair.first.outputs[0])], weights, pair.kind, pair.limit)
        _scale_outputs(graph, pair.first, pair.first_kind, 1 / factors)
        factors = np.repeat(factors, weights.shape[-1] // len(factors))  # depth multipliers
        graph.set_constant(pair.second, 1, weights * factors)
    return graph.pack()


def _factors(largest: np.ndarray, weights: np.ndarray, kind: str, limit: float) -> np.ndarray:
    """What each channel is divided by: 1 for channels that are always 0."""
    alive = largest > 1e-6
    top = largest.max() if np.isinf(limit) else limit
    if kind == "depthwise":  # its weights have one scale per channel: all the gain, at no price
        factors = largest / top
    else:
        rows = np.abs(weights).reshape(weights.shape[0], -1, weights.shape[-1])
        share = rows.max(axis=1) / np.maximum(rows.max(axis=(1, 2)), 1e-30)[:, np.newaxis]
        importance = np.maximum(share.max(axis=0), 1e-3)
        factors = np.sqrt(np.where(alive, largest, 1.0) / importance)
        factors *= (largest / factors).max() / top
    if np.isfinite(limit):  # a channel that is clipped now must be clipped at the same value
        factors = np.clip(factors, largest / limit, 1.0)
        factors = np.where(largest >= limit, 1.0, factors)
    return np.where(alive, np.maximum(factors, 1e-4), 1.0)


def _pairs(graph: Graph) -> Iterator[_Pair]:
    from ai_edge_litert import schema_py_generated as schema

    clips = {
        schema.ActivationFunctionType.RELU: np.inf,
        schema.ActivationFunctionType.RELU6: _RELU6,
    }
    layers = float_layers(graph)
    kinds = {id(operator): kind for operator, kind in layers}
    for first, first_kind in layers:
        limit = clips.get(first.builtinOptions.fusedActivationFunction)
        tensor = int(first.outputs[0])
        second = _only_reader(graph, tensor)
        while second is not None and _keeps_factors(graph, second):
            tensor = int(second.outputs[0])
            second = _only_reader(graph, tensor)
        kind = kinds.get(id(second))
        if limit is None or second is None or kind is None or int(second.inputs[0]) != tensor:
            continue
        channels = graph.shape(int(first.outputs[0]))[-1]
        sees = graph.shape(int(second.inputs[1]))[-1]
        if sees == channels or (kind == "depthwise" and sees % channels == 0):
            yield _Pair(first, first_kind, second, kind, limit)


def _only_reader(graph: Graph, tensor: int) -> Any | None:
    """The operator that a tensor is made for; None where there are more, or it is a result."""
    readers = graph.consumers(tensor)
    return readers[0] if len(readers) == 1 and tensor not in graph.outputs else None


def _keeps_factors(graph: Graph, operator: Any) -> bool:
    """Whether positive factors of channels pass an operator without weights."""
    passing = graph.kind(operator) in ("PAD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN")
    return passing and not getattr(operator.builtinOptions, "fusedActivationFunction", 0)


def _channel_maxima(
    float_bytes: bytes, samples: np.ndarray, wanted: set[int]
) -> dict[int, np.ndarray]:
    """The largest magnitude in each channel of some tensors, over pixels and samples."""
    found = {index: np.zeros(()) for index in wanted}
    for values in activations(float_bytes, samples, wanted):
        for index, value in values.items():
            found[index] = np.maximum(
                found[index], np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            )
    return found


def _scale_outputs(graph: Graph, operator: Any, kind: str, factors: np.ndarray) -> None:
    weights, biases = (graph.values(int(index)) for index in operator.inputs[1:3])
    along = factors if kind == "depthwise" else factors.reshape(-1, *[1] * (weights.ndim - 1))
    graph.set_constant(operator, 1, weights * along)
    graph.set_constant(operator, 2, biases * factors)
