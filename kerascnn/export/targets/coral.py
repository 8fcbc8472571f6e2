"""Coral's Edge TPU: would its compiler map the whole file?

Sources: Coral's documentation, "TensorFlow models on the Edge TPU", sections "Model requirements"
and "Supported operations": one contiguous partition at the start of the graph is mapped, everything
after the first operator that is not runs on the CPU. The compiler (16.0, of 2021) is no part of
this check and has the last word. It refuses newer operator versions; the newest ones here are those
of the op resolver of TensorFlow 2.7 (`lite/kernels/register.cc`).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kerascnn.export.flatbuffer.file import Operator, TFLiteFile
from kerascnn.export.targets import rules
from kerascnn.export.targets.dense_scale import with_one_scale
from kerascnn.export.targets.rules import Support

_BYTES = ("int8", "uint8")
_MOST_SOFTMAX = 16_000  # elements of its input


def _takes(version: int) -> Support:
    return Support(activations=_BYTES, version=version)


def _weighted(version: int) -> Support:
    return Support(pairs=(("int8", "int8"), ("uint8", "uint8")), version=version)


OPERATORS: Mapping[str, Support] = MappingProxyType(
    {
        "ADD": _takes(4),
        "AVERAGE_POOL_2D": _takes(3),
        "CONCATENATION": _takes(3),
        "CONV_2D": _weighted(6),
        "DEPTHWISE_CONV_2D": _weighted(6),
        "EXPAND_DIMS": _takes(1),
        "FULLY_CONNECTED": _weighted(9),
        "L2_NORMALIZATION": _takes(2),
        "LOGISTIC": _takes(3),
        "MAXIMUM": _takes(4),
        "MAX_POOL_2D": _takes(3),
        "MEAN": _takes(3),
        "MINIMUM": _takes(4),
        "MUL": _takes(5),
        "PACK": _takes(3),
        "PAD": _takes(4),
        "PRELU": _takes(1),
        "QUANTIZE": Support(
            converts=(("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("uint8", "uint8")),
            version=3,
        ),
        "REDUCE_MAX": _takes(3),
        "REDUCE_MIN": _takes(3),
        "RELU": _takes(3),
        "RELU6": _takes(3),
        "RELU_N1_TO_1": _takes(1),
        "RESHAPE": _takes(1),
        "RESIZE_BILINEAR": _takes(4),
        "RESIZE_NEAREST_NEIGHBOR": _takes(4),
        "RSQRT": _takes(2),
        "SLICE": _takes(5),
        "SOFTMAX": _takes(3),
        "SPACE_TO_DEPTH": _takes(2),
        "SPLIT": _takes(4),
        "SQUARED_DIFFERENCE": _takes(2),
        "SQUEEZE": _takes(2),
        "STRIDED_SLICE": _takes(6),
        "SUB": _takes(5),
        "SUM": _takes(2),
        "TANH": _takes(3),
        "TRANSPOSE": _takes(5),
        "TRANSPOSE_CONV": _weighted(3),
    }
)


def limits(operator: Operator) -> Iterator[str]:
    """Why a supported operator is not mapped with these tensors ("Known limitations")."""
    for tensor in operator.activations():
        if any(size != 1 for size in tensor.shape[:-3]):
            yield f"{operator.name} computes on {list(tensor.shape)}, more than three dimensions"
            return
    first = operator.source
    if operator.name == "SOFTMAX" and first is not None and first.elements > _MOST_SOFTMAX:
        yield f"SOFTMAX takes {first.elements} values, and {_MOST_SOFTMAX} is the most"
    if operator.name == "CONCATENATION" and any(t and t.constant for t in operator.inputs):
        yield "CONCATENATION appends constants"
    if operator.name == "FULLY_CONNECTED":
        weights = operator.inputs[1] if len(operator.inputs) > 1 else None
        if weights is not None and weights.scales > 1:
            yield "FULLY_CONNECTED has a scale for each output, and one scale is expected"


def _mapped(graph: TFLiteFile) -> Iterator[str]:
    for index, operator in enumerate(graph.operators):
        reasons = [*rules.unsupported(operator, OPERATORS), *limits(operator)]
        if reasons:
            left = len(graph.operators) - index
            yield (
                f"{reasons[0]}: from there on, {left} of {len(graph.operators)} operators run on "
                "the CPU"
            )
            return


TARGET = rules.Target(
    name="coral",
    title="Coral Edge TPU",
    recipes=("int8",),
    io="uint8",
    inputs=_BYTES,
    outputs=_BYTES,
    rules=(
        rules.one_image,
        rules.fixed_shapes,
        rules.one_graph,
        rules.end_types(_BYTES, _BYTES),
        _mapped,
    ),
    source="Coral, TensorFlow models on the Edge TPU",
    prepare=with_one_scale,
    finds_objects=False,
)
