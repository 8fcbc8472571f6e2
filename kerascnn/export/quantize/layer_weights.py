"""The weights of layers inside a float `.tflite` file, and what flows between them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.runtime.opening import default_threads

SAMPLES = 64  # enough for a statistic over all pixels of all of them
_KINDS = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "dense"}


def float_layers(graph: Graph) -> list[tuple[Any, str]]:
    """(operator, kind) of the layers whose weights and biases are float32 constants.

    Kinds are "conv", "depthwise" and "dense".
    """
    return [
        (operator, _KINDS[graph.kind(operator)])
        for operator in graph.find(*_KINDS)
        if len(operator.inputs) > 2
        and all(graph.is_float(i) and graph.is_constant(i) for i in operator.inputs[1:3])
    ]


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
