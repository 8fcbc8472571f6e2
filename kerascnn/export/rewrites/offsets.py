"""Constants that are added in front of a linear layer belong into its biases."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.schema import SAME
from kerascnn.export.rewrites.activations import NONE


def fold_offsets(graph: Graph) -> None:
    """Moves added constants into the biases behind them, and adds up two that follow each other.

    A convolution that pads sees zeros, not the constant, along the edges: it is left alone.
    """
    for addition in graph.find("ADD"):
        offset = added_constant(graph, addition)
        if offset is None:
            continue
        x, y = int(addition.inputs[0]), int(addition.outputs[0])
        followers = graph.consumers(y)
        if y in graph.outputs or not followers:
            continue
        if all(_takes_offset(graph, layer, y) for layer in followers):
            for layer in followers:
                _into_bias(graph, layer, offset)
        elif len(followers) == 1 and _second(graph, followers[0]):
            total = offset + graph.values(int(followers[0].inputs[1]))
            name = graph.name(int(followers[0].inputs[1]))
            graph.set_inputs(followers[0], [y, graph.add_constant(total, name)])
        else:
            continue
        graph.redirect(y, x)
        graph.remove(addition)


def added_constant(graph: Graph, operator: Any) -> np.ndarray | None:
    """What an ADD adds to each channel, [1] or [channels]; None where it does something else."""
    if operator.builtinOptions.fusedActivationFunction != NONE:
        return None
    return per_channel(graph, operator)


def per_channel(graph: Graph, operator: Any) -> np.ndarray | None:
    """The second operand of an ADD or MUL as [1] or [channels], where it is such a constant."""
    values = graph.constant(int(operator.inputs[1]))
    if values is None or values.dtype != np.float32:
        return None
    channels = graph.shape(int(operator.inputs[0]))[-1:]
    alike = graph.shape(int(operator.inputs[0])) == graph.shape(int(operator.outputs[0]))
    fits = values.size == 1 or (values.size == values.shape[-1] and values.shape[-1:] == channels)
    return values.reshape(-1) if alike and fits else None


def _second(graph: Graph, operator: Any) -> bool:
    return graph.kind(operator) == "ADD" and per_channel(graph, operator) is not None


def _takes_offset(graph: Graph, layer: Any, tensor: int) -> bool:
    kind = graph.kind(layer)
    if kind not in ("CONV_2D", "FULLY_CONNECTED") or layer.inputs[0] != tensor:
        return False
    weights = graph.constant(int(layer.inputs[1]))
    if weights is None or weights.dtype != np.float32 or len(layer.inputs) < 3:
        return False
    if layer.inputs[2] >= 0 and graph.constant(int(layer.inputs[2])) is None:
        return False
    if weights.shape[-1] != graph.shape(tensor)[-1]:  # a grouped convolution, or a flattened input
        return False
    padded = kind == "CONV_2D" and layer.builtinOptions.padding == SAME
    return not padded or weights.shape[1:3] == (1, 1)


def _into_bias(graph: Graph, layer: Any, offset: np.ndarray) -> None:
    weights = graph.values(int(layer.inputs[1]))
    shift = (weights.astype(np.float64) * offset).reshape(len(weights), -1).sum(axis=1)
    name = graph.name(int(layer.outputs[0]))
    bias = graph.values(int(layer.inputs[2])) if layer.inputs[2] >= 0 else 0.0
    graph.set_input(layer, 2, graph.add_constant((bias + shift).astype(np.float32), f"{name}/bias"))
