"""Cross-layer equalisation: giving the channels of an activation similar ranges.

Scaling a channel down in one layer and up in the next keeps the function, because a ReLU lets
positive factors pass (Nagel et al. 2019, arXiv:1906.04721, "Data-Free Quantization Through Weight
Equalization and Bias Correction", section 4.1). There the factors balance the weights of the two
layers. Files of today scale weights per output channel, so what is left to balance is the
activation between them, with one scale for all channels, against the second layer's weights.
"""

import collections
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.export import flatbuffer
from kerascnn.export.layer_weights import activations, constant, float_layers, write_constant

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
    model = flatbuffer.parse(float_bytes)
    graph = model.subgraphs[0]
    pairs = list(_pairs(model, graph))
    if not any(pair.kind == "depthwise" for pair in pairs):
        return None
    largest = _channel_maxima(float_bytes, samples, {int(p.first.outputs[0]) for p in pairs})
    for pair in pairs:
        weights = constant(model, graph, pair.second.inputs[1])
        factors = _factors(largest[int(pair.first.outputs[0])], weights, pair.kind, pair.limit)
        _scale_outputs(model, graph, pair.first, pair.first_kind, 1 / factors)
        factors = np.repeat(factors, weights.shape[-1] // len(factors))  # depth multipliers
        write_constant(model, graph, pair.second, 1, weights * factors)
    return flatbuffer.pack(model)


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


def _pairs(model: Any, graph: Any) -> Iterator[_Pair]:
    from ai_edge_litert import schema_py_generated as schema

    codes = schema.BuiltinOperator
    between = {codes.PAD, codes.MAX_POOL_2D, codes.AVERAGE_POOL_2D, codes.MEAN}
    clips = {
        schema.ActivationFunctionType.RELU: np.inf,
        schema.ActivationFunctionType.RELU6: _RELU6,
    }
    layers = {id(operator): kind for operator, kind in float_layers(model, graph)}
    consumers = collections.defaultdict(list)
    for operator in graph.operators:
        for index in operator.inputs:
            consumers[int(index)].append(operator)
    ends = {int(index) for index in graph.outputs}
    for first in graph.operators:
        limit = clips.get(getattr(first.builtinOptions, "fusedActivationFunction", None))
        if id(first) not in layers or limit is None:
            continue
        tensor = int(first.outputs[0])
        while len(consumers[tensor]) == 1 and tensor not in ends:
            second = consumers[tensor][0]
            if model.operatorCodes[second.opcodeIndex].builtinCode not in between:
                break
            if getattr(second.builtinOptions, "fusedActivationFunction", 0):
                break
            tensor = int(second.outputs[0])
        if len(consumers[tensor]) != 1 or tensor in ends:
            continue
        second = consumers[tensor][0]
        kind = layers.get(id(second))
        if kind is None or int(second.inputs[0]) != tensor:
            continue
        channels = graph.tensors[first.outputs[0]].shape[-1]
        sees = graph.tensors[second.inputs[1]].shape[-1]
        if sees == channels or (kind == "depthwise" and sees % channels == 0):
            yield _Pair(first, layers[id(first)], second, kind, limit)


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


def _scale_outputs(model: Any, graph: Any, operator: Any, kind: str, factors: np.ndarray) -> None:
    weights, biases = (constant(model, graph, index) for index in operator.inputs[1:3])
    along = factors if kind == "depthwise" else factors.reshape(-1, *[1] * (weights.ndim - 1))
    write_constant(model, graph, operator, 1, weights * along)
    write_constant(model, graph, operator, 2, biases * factors)
