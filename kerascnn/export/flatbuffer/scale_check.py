"""Can the runtime compute with these scales? Where it cannot, it ends the process (LiteRT 2.3).

Measured by setting one scale after another: a convolution whose result would be scaled by 256 or
more, an addition by 2**19 or more, an operand without scale.
"""

from typing import Any

import numpy as np

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.schema import code_number, operator_names

_PRODUCT = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}  # input times weights
_SUM = {"ADD", "SUB"}
_OTHER = {"AVERAGE_POOL_2D", "DEQUANTIZE", "LOGISTIC", "MEAN", "MUL", "SOFTMAX", "TANH"}
_LARGEST_PRODUCT = 256.0
_LARGEST_SUM = 2.0**19


def check_scales(model: Any, graph: Any) -> None:
    """Raises when an operator on 8-bit tensors cannot be computed with their scales.

    Only operators that are known to take the scales on trust are looked at; a CAST, for instance,
    may well read bytes without one.

    Args:
        model: The `schema_py_generated.Model`.
        graph: One of its graphs, every index in it known to exist.

    Raises:
        BundleError: With half a sentence that says which operator.
    """
    from ai_edge_litert.schema_py_generated import TensorType

    eight_bits = (TensorType.INT8, TensorType.UINT8)
    known = _PRODUCT | _SUM | _OTHER
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        kind = operator_names().get(code_number(model.OperatorCodes(operator.OpcodeIndex())))
        if kind not in known or not operator.InputsLength() or not operator.OutputsLength():
            continue
        source, target = graph.Tensors(operator.Inputs(0)), graph.Tensors(operator.Outputs(0))
        if source.Type() not in eight_bits:
            continue
        scale_in = _single(i, source)
        if target.Type() not in eight_bits:
            continue
        scale_out = _single(i, target)
        limit, factors = _LARGEST_PRODUCT, np.zeros(1)
        if kind in _PRODUCT and operator.InputsLength() > 1:
            factors = scale_in * _scales(i, graph.Tensors(operator.Inputs(1))) / scale_out
        elif kind in _SUM and operator.InputsLength() > 1:
            limit = _LARGEST_SUM
            other = _single(i, graph.Tensors(operator.Inputs(1)))
            factors = np.array([max(scale_in, other) / scale_out])
        if not np.all(factors < limit):
            raise BundleError(
                f"operator {i} ({kind}) scales its result by {np.max(factors):g}, "
                f"of less than {limit:g} possible"
            )


def _scales(operator: int, tensor: Any) -> np.ndarray:
    quantization = tensor.Quantization()
    if quantization is not None and quantization.ScaleLength():
        return quantization.ScaleAsNumpy().astype(np.float64)
    if quantization is not None and quantization.DetailsType():
        return np.zeros(1)  # blockwise: kept elsewhere
    name = (tensor.Name() or b"").decode()
    raise BundleError(f"operator {operator} needs the scale of tensor {name!r}, which has none")


def _single(operator: int, tensor: Any) -> float:
    """The one scale of an activation."""
    scales = _scales(operator, tensor)
    if not scales[0] > 0:
        name = (tensor.Name() or b"").decode()
        raise BundleError(f"operator {operator} needs the scale of tensor {name!r}, which is 0")
    return float(scales[0])
