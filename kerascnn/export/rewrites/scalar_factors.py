"""A product with one number costs a pass over the data; inside the next weights it is free."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.rewrites.activations import NONE, RELU

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_PASSING = ("MEAN", "RESHAPE", "PAD", "AVERAGE_POOL_2D", "MAX_POOL_2D")


def fold_scalar_factors(graph: Graph) -> None:
    """Moves positive factors into the weights of the layers behind them, where these are linear.

    From `y = c x` the factor moves through means, pools, reshapes, padding with zeros and products
    with other data, until every path ends in a convolution or dense layer. Where one does not, the
    product stays.
    """
    for operator in reversed(graph.find("MUL")):  # one behind another go in together
        factor = _scalar(graph, operator)
        if factor is None or not factor > 0:
            continue
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        layers = _layers_behind(graph, y, {})
        if layers is None:
            continue
        for layer in layers:
            weights = int(layer.inputs[1])
            values = graph.values(weights) * np.float32(factor)
            scaled = graph.add_constant(values, graph.name(weights))
            graph.set_input(layer, 1, scaled)
        graph.redirect(y, x)
        graph.remove(operator)


def _scalar(graph: Graph, operator: Any) -> float | None:
    """The number of a product with one number; None for other products."""
    values = graph.constant(int(operator.inputs[1]))
    if values is None or values.size != 1 or _activation(operator) != NONE:
        return None
    same = graph.shape(int(operator.inputs[0])) == graph.shape(int(operator.outputs[0]))
    return float(values.reshape(-1)[0]) if same else None


def _layers_behind(graph: Graph, tensor: int, seen: dict[int, Any]) -> list[Any] | None:
    """The weighted layers that take up a factor of `tensor`; None where some path has none."""
    consumers = graph.consumers(tensor)
    if tensor in graph.outputs or not consumers:
        return None
    found: list[Any] = []
    for operator in consumers:
        kind, places = graph.kind(operator), np.flatnonzero(operator.inputs == tensor)
        if id(operator) in seen:  # two paths that meet would bring the factor twice
            return None
        seen[id(operator)] = operator
        if kind in _WEIGHTED:
            weights = graph.constant(int(operator.inputs[1]))
            if list(places) != [0] or weights is None or weights.dtype != np.float32:
                return None
            found.append(operator)
            continue
        passes = kind in _PASSING and list(places) == [0]
        product = kind == "MUL" and len(places) == 1
        if not (passes or product) or _activation(operator) not in (NONE, RELU):
            return None
        behind = _layers_behind(graph, int(operator.outputs[0]), seen)
        if behind is None:
            return None
        found += behind
    return found


def _activation(operator: Any) -> int:
    return getattr(operator.builtinOptions, "fusedActivationFunction", NONE)
