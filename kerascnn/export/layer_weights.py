"""The weights of layers inside a float `.tflite` file, and what flows between them."""

import collections
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerascnn.export.runtime import default_threads

SAMPLES = 64  # enough for a statistic over all pixels of all of them


def float_layers(model: Any, graph: Any) -> Iterator[tuple[Any, str]]:
    """(operator, kind) of the layers whose weights and biases are float32 constants.

    Kinds are "conv", "depthwise" and "dense".
    """
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


def constant(model: Any, graph: Any, index: int) -> np.ndarray:
    """The values of a float32 constant."""
    tensor = graph.tensors[index]
    data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    return np.frombuffer(data.tobytes(), np.float32).reshape(tensor.shape)


def write_constant(model: Any, graph: Any, operator: Any, place: int, values: np.ndarray) -> None:
    """Gives an operator new values for one of its constants; other readers keep the old ones."""
    index = int(operator.inputs[place])
    tensor = graph.tensors[index]
    readers = sum(int(i) == index for other in graph.operators for i in other.inputs)
    shared = collections.Counter(int(other.buffer) for other in graph.tensors)
    if readers > 1 or shared[int(tensor.buffer)] > 1:
        tensor = _own_copy(model, graph, tensor)
        inputs = np.array(operator.inputs, np.int32)
        inputs[place] = len(graph.tensors) - 1
        operator.inputs = inputs
    data = np.ascontiguousarray(values, np.float32).tobytes()
    model.buffers[tensor.buffer].data = np.frombuffer(data, np.uint8)


def activations(
    float_bytes: bytes, samples: np.ndarray, wanted: set[int], most: int = SAMPLES
) -> Iterator[dict[int, np.ndarray]]:
    """The values of some tensors of a float file, by index, for a few dozen samples one by one.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels].
        wanted: Indices of tensors in the main graph.
        most: Of the samples, evenly taken.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=float_bytes,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
        num_threads=default_threads(),
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    for image in samples[:: max(1, len(samples) // most)][:most]:
        interpreter.set_tensor(entry, image[np.newaxis].astype(np.float32))
        interpreter.invoke()
        yield {index: interpreter.get_tensor(index) for index in wanted}


def _own_copy(model: Any, graph: Any, tensor: Any) -> Any:
    """A tensor with a buffer of its own, at the end of the graph's."""
    made = copy.copy(tensor)
    made.name = tensor.name + f"_own{len(graph.tensors)}".encode()
    model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
    made.buffer = len(model.buffers) - 1
    graph.tensors.append(made)
    return made
