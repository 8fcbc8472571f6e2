"""Why the CPU delegate leaves an operator to the slower built-in kernels, in words.

The rules are those of XNNPACK as LiteRT 2.3 brings it, found by giving it one operator after
another. They explain what the runtime was seen to do; they do not decide it.
"""

from collections.abc import Mapping, Sequence

from kerascnn.export.flatbuffer.file import Operator, Tensor

_NO_EIGHT_BITS = {
    "AVERAGE_POOL_2D",
    "DIV",
    "GELU",
    "HARD_SWISH",
    "MAXIMUM",
    "MINIMUM",
    "RSQRT",
    "SOFTMAX",
    "SQRT",
    "SQUARED_DIFFERENCE",
}
_NO_KERNEL = {"LOCAL_RESPONSE_NORMALIZATION", "PADV2", "POW"}
_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_MOST_JOINED = 5
_SUM = (2.0**-10, 2.0**8)  # an operand's scale by the result's
_PRODUCT = (2.0**-16, 2.0**8)  # the operands' scales, multiplied, by the result's


def reasons(outside: Sequence[Operator]) -> Mapping[str, str]:
    """Why operators of the main graph stay outside, one sentence for each kind.

    Args:
        outside: The operators that the delegate left.
    """
    found: dict[str, str] = {}
    for operator in outside:
        found.setdefault(operator.name, _reason(operator))
    return dict(sorted(found.items()))


def sentences(reasons: Mapping[str, str]) -> list[str]:
    """The reasons as "KIND, KIND: why", kinds with the same reason together."""
    kinds: dict[str, list[str]] = {}
    for kind, reason in reasons.items():
        kinds.setdefault(reason, []).append(kind)
    return [f"{', '.join(alike)}: {reason}" for reason, alike in kinds.items()]


def _reason(operator: Operator) -> str:
    kind, outputs = operator.name, operator.outputs
    inputs = [tensor for tensor in operator.inputs if tensor is not None]
    types = {tensor.dtype for tensor in (*inputs[:1], *outputs[:1])}
    if kind == "QUANTIZE" and types == {"uint8", "int8"}:
        return "it turns uint8 into int8 or back; the delegate's conversion keeps the sign"
    if "int16" in types:
        return "the delegate has no 16-bit integer kernels"
    if kind in _NO_KERNEL:
        return "the delegate has no kernel for it"
    if any(-1 in tensor.shape for tensor in (*inputs, *outputs)):
        return "its shape is not fixed in the file"
    if kind in _NO_EIGHT_BITS and types & {"int8", "uint8"}:
        return "the delegate has a float32 kernel for it, but none for 8 bits"
    if kind == "CONCATENATION" and len(inputs) > _MOST_JOINED:
        return f"it concatenates {len(inputs)} tensors, the delegate up to {_MOST_JOINED}"
    if kind == "CONCATENATION" and types & {"int8", "uint8"}:
        return "its tensors have different scales, the delegate wants one for all"
    if kind in ("RELU", "RELU6") and types & {"int8", "uint8"}:
        return "the delegate has an 8-bit ReLU only at the end of another operator"
    if kind == "STRIDED_SLICE":
        return "it leaves out rows or columns, the delegate takes slices without gaps"
    if kind in _POOLS:
        return "it pools over single pixels, which the delegate refuses"
    if kind in ("ADD", "SUB", "MUL") and _odd_scales(kind, inputs, outputs):
        return "the scales of its operands and its result are too far apart"
    return "the delegate does not take it with these types and shapes"


def _odd_scales(kind: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
    scales = [tensor.scale for tensor in (*inputs[:2], *outputs[:1])]
    if len(scales) < 3 or None in scales:
        return False
    first, second, result = (float(scale or 0) for scale in scales)
    if kind == "MUL":
        low, high = _PRODUCT
        return not low <= first * second / result < high
    low, high = _SUM
    return any(not low <= scale / result < high for scale in (first, second))
