"""Dense layers with one scale for all outputs, as Coral's compiler of 2021 knows them.

Today's quantisers give each output of a dense layer a scale of its own (FULLY_CONNECTED version
12). Rounded again to the largest of these scales, the weights of quieter outputs keep fewer steps.
"""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph

_PLAIN, _KEEPS_DIMENSIONS = 4, 5  # versions of int8 FULLY_CONNECTED (TFLite's op_version.cc)


def with_one_scale(file: Graph) -> None:
    """Brings every int8 dense layer of a file to one scale.

    Weights `w = q s[o]` of output `o` become `round(w / max(s))` steps of `max(s)`, and biases keep
    their real values in steps of the input's scale times `max(s)`.
    """
    from ai_edge_litert.schema_py_generated import TensorType

    changed: set[int] = set()
    keeps = False
    for graph in file.model.subgraphs:
        for operator in graph.operators:
            if file.kind(operator) != "FULLY_CONNECTED":
                continue
            source, weights = (graph.tensors[index] for index in operator.inputs[:2])
            biases = [graph.tensors[index] for index in operator.inputs[2:] if index >= 0]
            scales = weights.quantization.scale if weights.quantization else None
            if weights.type != TensorType.INT8 or scales is None or len(scales) < 2:
                continue
            if source.type != TensorType.INT8:
                continue  # a float layer with 8-bit weights, which Coral does not run anyway
            _rescale(file.model, source, weights, biases)
            changed.add(operator.opcodeIndex)
            keeps = keeps or bool(operator.builtinOptions.keepNumDims)
    for index in changed:
        file.model.operatorCodes[index].version = _KEEPS_DIMENSIONS if keeps else _PLAIN


def _rescale(model: Any, source: Any, weights: Any, biases: list[Any]) -> None:
    scales = np.asarray(weights.quantization.scale, np.float64)
    largest = np.float32(scales.max())
    steps = _values(model, weights, np.int8).astype(np.float64) * (scales / largest)[:, np.newaxis]
    _store(model, weights, np.rint(steps).clip(-127, 127).astype(np.int8), largest)
    for bias in biases:
        step = np.float32(source.quantization.scale[0] * largest)
        old = np.asarray(bias.quantization.scale, np.float64)
        real = _values(model, bias, np.int32).astype(np.float64) * old
        limits = np.iinfo(np.int32)
        rounded = np.rint(real / step).clip(limits.min, limits.max)
        _store(model, bias, rounded.astype(np.int32), step)


def _values(model: Any, tensor: Any, kind: type) -> np.ndarray:
    data = np.ascontiguousarray(model.buffers[tensor.buffer].data, np.uint8)
    return data.view(kind).reshape([int(size) for size in tensor.shape])


def _store(model: Any, tensor: Any, values: np.ndarray, scale: np.float32) -> None:
    from ai_edge_litert.schema_py_generated import BufferT

    # A buffer of its own: equal constants may share one.
    model.buffers.append(BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
    tensor.buffer = len(model.buffers) - 1
    tensor.quantization.scale = np.array([scale], np.float32)
    tensor.quantization.zeroPoint = np.zeros(1, np.int64)
    tensor.quantization.quantizedDimension = 0
