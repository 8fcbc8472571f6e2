"""Does the graph in a `.tflite` file make sense? What the runtime takes on trust, and dies of.

Each rule is there because a file altered in that place ended the process inside the runtime
(LiteRT 2.3): a zero point outside its type, a scale that is no number, an operator that writes
into a constant, a convolution without its weights, a tensor larger than the memory.
"""

import math
from typing import Any

import numpy as np

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.scale_check import check_scales
from kerascnn.export.flatbuffer.schema import code_number, operator_numbers, type_names

LARGEST_TENSOR = 1 << 30  # bytes of a computed tensor: VGG16's largest needs 12 MB
_SCALES = (1e-30, 1e30)  # beyond, products of two scales are no float32

# Bytes per element, of the types whose elements are whole bytes.
_WIDTHS = {
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int32": 4,
    "uint8": 1,
    "int64": 8,
    "bool": 1,
    "int16": 2,
    "int8": 1,
    "float64": 8,
    "uint64": 8,
    "uint32": 4,
    "uint16": 2,
}
_RECURRENT = {  # operators that leave out their first inputs on purpose
    "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN",
}


def check_graphs(data: bytes) -> None:
    """Raises unless the graphs of a file that `structure` found readable make sense.

    Raises:
        BundleError: With half a sentence that says what does not.
    """
    from ai_edge_litert.schema_py_generated import Model

    model = Model.GetRootAs(data, 0)
    recurrent = {operator_numbers()[name] for name in _RECURRENT}
    _check_buffers(model, len(data))
    if model.SubgraphsLength() == 0:
        raise BundleError("it holds no graph")
    for g in range(model.SubgraphsLength()):
        graph = model.Subgraphs(g)
        constants = set()
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            _in_range("buffer", tensor.Buffer(), model.BuffersLength())
            stored = _stored(model.Buffers(tensor.Buffer()))
            empty = any(tensor.Shape(i) == 0 for i in range(tensor.ShapeLength()))
            if stored or empty:
                constants.add(index)
            _check_tensor(index, tensor, type_names().get(tensor.Type()), stored)
        _check_flow(model, graph, constants, recurrent)
        check_scales(model, graph)
    _check_signatures(model)


def _check_buffers(model: Any, size: int) -> None:
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.Offset() > 1 and buffer.Offset() + buffer.Size() > size:
            raise BundleError(f"the data of buffer {i} lie beyond the end of the file")
    for i in range(model.MetadataLength()):
        _in_range("metadata buffer", model.Metadata(i).Buffer(), model.BuffersLength())


def _stored(buffer: Any) -> bool:
    return bool(buffer.DataLength() or (buffer.Offset() > 1 and buffer.Size()))


def _check_tensor(index: int, tensor: Any, kind: str | None, stored: bool) -> None:
    """Type, size and quantisation of one tensor."""
    if kind is None:
        raise BundleError(f"tensor {index} has the unknown type {tensor.Type()}")
    shape = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
    if any(size < (0 if stored else -1) for size in shape):
        raise BundleError(f"tensor {index} has the impossible shape {tuple(shape)}")
    size = math.prod(max(size, 1) for size in shape) * _WIDTHS.get(kind, 1)
    if not stored and size > LARGEST_TENSOR:
        raise BundleError(f"tensor {index} of shape {tuple(shape)} would take {size} bytes")
    quantization = tensor.Quantization()
    if quantization is None or not quantization.ScaleLength():
        return
    scales = quantization.ScaleAsNumpy()
    low, high = _SCALES
    if not np.all((scales == 0) | ((scales >= low) & (scales <= high))):  # false for nan too
        raise BundleError(f"tensor {index} has a quantisation scale that is no usable number")
    if quantization.ZeroPointLength() != len(scales):
        raise BundleError(
            f"tensor {index} has {len(scales)} scales and {quantization.ZeroPointLength()} "
            "zero points"
        )
    if kind in ("int8", "uint8", "int16", "int32"):
        limits = np.iinfo(kind)
        points = quantization.ZeroPointAsNumpy()
        if points.min() < limits.min or points.max() > limits.max:
            raise BundleError(f"tensor {index} has a zero point outside {kind}")


def _check_flow(model: Any, graph: Any, constants: set[int], recurrent: set[int]) -> None:
    """Every tensor that is read exists by then; every one that is written is written once."""
    count = graph.TensorsLength()
    ready = set(constants)
    ready.update(i for i in range(count) if graph.Tensors(i).IsVariable())
    for i in range(graph.InputsLength()):
        _in_range("input tensor", graph.Inputs(i), count)
        ready.add(graph.Inputs(i))
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        _in_range("operator code", operator.OpcodeIndex(), model.OperatorCodesLength())
        number = code_number(model.OperatorCodes(operator.OpcodeIndex()))
        for j in range(operator.InputsLength()):
            source = operator.Inputs(j)
            if source == -1 and (j >= 2 or number in recurrent):
                continue  # an input left out, such as a bias
            _in_range(f"input {j} of operator {i}, tensor", source, count)
            if source not in ready:
                raise BundleError(f"operator {i} reads tensor {source} before it is computed")
        for j in range(operator.OutputsLength()):
            target = operator.Outputs(j)
            _in_range(f"output {j} of operator {i}, tensor", target, count)
            if target in ready:
                raise BundleError(f"operator {i} overwrites tensor {target}")
            ready.add(target)
    for i in range(graph.OutputsLength()):
        _in_range("output tensor", graph.Outputs(i), count)
        if graph.Outputs(i) not in ready:
            raise BundleError(f"no operator computes the output tensor {graph.Outputs(i)}")


def _check_signatures(model: Any) -> None:
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        _in_range("graph", signature.SubgraphIndex(), model.SubgraphsLength())
        count = model.Subgraphs(signature.SubgraphIndex()).TensorsLength()
        entries = [signature.Inputs(j) for j in range(signature.InputsLength())]
        entries += [signature.Outputs(j) for j in range(signature.OutputsLength())]
        for entry in entries:
            _in_range("signature tensor", entry.TensorIndex(), count)


def _in_range(what: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise BundleError(f"it refers to {what} {index}, of {count}")
