"""Microcontrollers: tflite-micro.

Source: tflite-micro's `micro_mutable_op_resolver.h` (which operators exist) and `kernels/*.cc` (the
types each of them takes), as built into the PyPI package 0.dev20261023182759, on whose interpreter
the table was tried operator by operator (`tests/kits/test_micro_kit.py` does it again). Operator
versions are not looked at there: what counts is the types. Constants must lie inside the
flatbuffer, 16-byte aligned: it is used in place, from read-only memory.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.export.targets import rules
from kerascnn.export.targets.rules import Support

_WEIGHTED = Support(pairs=(("float32", "float32"), ("int8", "int8"), ("int16", "int8")))
_FLOAT = Support(activations=("float32",))
_UP_TO_8 = Support(activations=("float32", "int8"))
_UP_TO_16 = Support(activations=("float32", "int8", "int16"))
_COPIES = Support(activations=("float32", "int8", "int16", "int32"))  # moves values, computes none

OPERATORS: Mapping[str, Support] = MappingProxyType(
    {
        **dict.fromkeys(
            ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"), _WEIGHTED
        ),
        **dict.fromkeys(
            (
                *("ABS", "ADD", "AVERAGE_POOL_2D", "BATCH_MATMUL", "BROADCAST_TO", "LEAKY_RELU"),
                *("LOGISTIC", "MAX_POOL_2D", "MAXIMUM", "MEAN", "MINIMUM", "MUL", "RELU", "RELU6"),
                *("RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "RSQRT", "SOFTMAX", "SUB", "SUM"),
                *("SQUARED_DIFFERENCE", "TANH", "TRANSPOSE"),
            ),
            _UP_TO_16,
        ),
        **dict.fromkeys(
            (
                *("DEPTH_TO_SPACE", "DIV", "ELU", "GATHER", "HARD_SWISH", "L2_NORMALIZATION"),
                *("LOG_SOFTMAX", "MIRROR_PAD", "PADV2", "PRELU", "REDUCE_MAX", "REDUCE_MIN"),
                *("RESIZE_BILINEAR", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH"),
            ),
            _UP_TO_8,
        ),
        **dict.fromkeys(
            (
                *("CEIL", "COS", "CUMSUM", "EXP", "FLOOR", "L2_POOL_2D", "LOG", "NEG", "ROUND"),
                *("SIN", "SQRT", "SQUARE"),
            ),
            _FLOAT,
        ),
        **dict.fromkeys(
            (
                *("CONCATENATION", "EXPAND_DIMS", "PACK", "PAD", "RESHAPE", "SLICE", "SPLIT"),
                *("SQUEEZE", "STRIDED_SLICE", "UNPACK"),
            ),
            _COPIES,
        ),
        "QUANTIZE": Support(
            converts=(
                *(("float32", "int8"), ("float32", "int16"), ("float32", "uint8")),
                *(("int8", "int8"), ("int8", "uint8"), ("int8", "int16")),
                *(("uint8", "int8"), ("int16", "int8"), ("int16", "int16")),
            )
        ),
        "DEQUANTIZE": Support(
            converts=(("int8", "float32"), ("uint8", "float32"), ("int16", "float32"))
        ),
    }
)
# Where the method of MicroMutableOpResolver is not the operator's name in camel case.
_METHODS = {"PADV2": "AddPadV2", "BATCH_MATMUL": "AddBatchMatMul", "CUMSUM": "AddCumSum"}


def resolver_method(operator: str) -> str:
    """The `MicroMutableOpResolver` method that adds an operator: `CONV_2D` -> `AddConv2D`."""
    words = (word if word[0].isdigit() else word.capitalize() for word in operator.split("_"))
    return _METHODS.get(operator, "Add" + "".join(words))


def _in_place(graph: TFLiteFile) -> Iterator[str]:
    if graph.outside:
        yield f"{graph.outside} of its constants lie behind the flatbuffer, where it does not look"
    if graph.misaligned:
        yield f"{graph.misaligned} of its constants are not aligned to 16 bytes"


_TYPES = ("int8", "uint8", "float32", "int16")

TARGET = rules.Target(
    name="tflm",
    title="microcontrollers (tflite-micro)",
    recipes=("int8",),
    io="int8",
    inputs=_TYPES,
    outputs=_TYPES,
    rules=(
        rules.one_image,
        rules.fixed_shapes,
        rules.one_graph,
        rules.end_types(_TYPES, _TYPES),
        rules.operators_within(OPERATORS),
        _in_place,
    ),
    source="tflite-micro's micro_mutable_op_resolver.h and kernels, 0.dev20261023",
    finds_objects=False,
)
