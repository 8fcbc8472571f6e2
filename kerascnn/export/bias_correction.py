"""Bias correction: taking back the mean error that rounded weights make.

Rounding a layer's weights shifts the mean of each of its outputs by (rounded - exact) times the
mean input. Subtracting that from the bias costs nothing on the device (Nagel et al. 2019,
"Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2).
"""

import collections
import copy
from collections.abc import Collection
from typing import Any

import numpy as np

from kerascnn.export import flatbuffer

_SAMPLES = 64  # enough for a mean over all pixels of all of them
_LEVELS = 127  # symmetric int8, one scale for each output


def correct_biases(float_bytes: bytes, samples: np.ndarray, keep: Collection[str] = ()) -> bytes:
    """The float file with biases that make up for rounding its weights to int8, per channel.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; a few dozen of them are used.
        keep: Names of the results of layers that stay in float32, where nothing is rounded.
    """
    model = flatbuffer.parse(float_bytes)
    graph = model.subgraphs[0]
    layers = [
        (operator, kind)
        for operator, kind in _layers(model, graph)
        if graph.tensors[operator.outputs[0]].name.decode() not in keep
    ]
    means = _mean_inputs(float_bytes, samples, {operator.inputs[0] for operator, _ in layers})
    uses = collections.Counter(int(i) for operator in graph.operators for i in operator.inputs)
    shared = collections.Counter(int(tensor.buffer) for tensor in graph.tensors)
    for operator, kind in layers:
        weights = _constant(model, graph, operator.inputs[1])
        bias = graph.tensors[operator.inputs[2]]
        values = _constant(model, graph, operator.inputs[2])
        shift = _shift(weights, means[operator.inputs[0]], kind)
        if uses[int(operator.inputs[2])] > 1 or shared[int(bias.buffer)] > 1:
            bias = _own_copy(model, graph, bias)
            operator.inputs = np.array([*operator.inputs[:2], len(graph.tensors) - 1], np.int32)
        corrected = (values - shift).astype(np.float32)
        model.buffers[bias.buffer].data = np.frombuffer(corrected.tobytes(), np.uint8)
    return flatbuffer.pack(model)


def _layers(model: Any, graph: Any) -> Any:
    """(operator, kind) of the layers whose weights and biases are float32 constants."""
    from ai_edge_litert import schema_py_generated as schema

    kinds = {
        schema.BuiltinOperator.CONV_2D: "conv",
        schema.BuiltinOperator.DEPTHWISE_CONV_2D: "depthwise",
        schema.BuiltinOperator.FULLY_CONNECTED: "dense",
    }
    for operator in graph.operators:
        kind = kinds.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
        if kind is None or len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue
        constants = [graph.tensors[i] for i in operator.inputs[1:3]]
        floats = all(tensor.type == schema.TensorType.FLOAT32 for tensor in constants)
        if floats and all(model.buffers[t.buffer].data is not None for t in constants):
            yield operator, kind


def _constant(model: Any, graph: Any, index: int) -> np.ndarray:
    tensor = graph.tensors[index]
    data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    return np.frombuffer(data.tobytes(), np.float32).reshape(tensor.shape)


def _shift(weights: np.ndarray, mean: np.ndarray, kind: str) -> np.ndarray:
    """The change of the mean of each output when the weights are rounded."""
    outputs = weights.shape[-1] if kind == "depthwise" else weights.shape[0]
    rows = weights.reshape(-1, outputs).T if kind == "depthwise" else weights.reshape(outputs, -1)
    scales = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64) / _LEVELS
    scales[scales == 0] = 1.0
    errors = np.rint(rows / scales) * scales - rows
    if kind == "depthwise":  # output c * multiplier + m sees channel c alone
        return errors.sum(axis=1) * np.repeat(mean, outputs // len(mean))
    channels = weights.shape[-1]  # of one group; output g * (outputs / groups) + m sees group g
    groups = mean.reshape(-1, 1, channels)
    seen = np.repeat(groups, outputs // len(groups), axis=0)
    return (errors.reshape(outputs, -1, channels) * seen).sum(axis=(1, 2))


def _mean_inputs(
    float_bytes: bytes, samples: np.ndarray, wanted: set[int]
) -> dict[int, np.ndarray]:
    """The mean of each channel of some tensors, over pixels and samples."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=float_bytes,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    sums = dict.fromkeys(wanted, np.zeros(()))
    chosen = samples[:: max(1, len(samples) // _SAMPLES)][:_SAMPLES]
    for image in chosen:
        interpreter.set_tensor(entry, image[np.newaxis].astype(np.float32))
        interpreter.invoke()
        for index in wanted:
            value = interpreter.get_tensor(index).astype(np.float64)
            sums[index] = sums[index] + value.reshape(-1, value.shape[-1]).mean(axis=0)
    return {index: total / len(chosen) for index, total in sums.items()}


def _own_copy(model: Any, graph: Any, tensor: Any) -> Any:
    """A tensor with a buffer of its own, at the end of the graph's."""
    made = copy.copy(tensor)
    made.name = tensor.name + f"_corrected{len(graph.tensors)}".encode()
    buffer = copy.copy(model.buffers[tensor.buffer])
    model.buffers.append(buffer)
    made.buffer = len(model.buffers) - 1
    graph.tensors.append(made)
    return made
