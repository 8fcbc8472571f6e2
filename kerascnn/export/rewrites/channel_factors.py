"""Products with one number per channel belong into the weights of the layer behind them."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.rewrites.activations import NONE
from kerascnn.export.rewrites.offsets import added_constant, per_channel

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def fold_channel_factors(graph: Graph) -> None:
    """Writes conv(c x) as conv'(x), and conv(c x + b) as conv'(x + b / c): one pass less.

    That is the scale of the pixels in front of the first layer, and gamma of a layer normalisation.
    Padding goes on standing for the value zero, since an offset stays in front of it.
    """
    for product in reversed(graph.find("MUL")):  # one behind another go in together
        factors = per_channel(graph, product)
        if factors is None or not factors.all():
            continue
        if product.builtinOptions.fusedActivationFunction != NONE:
            continue
        x, y = int(product.inputs[0]), int(product.outputs[0])
        addition = _only_addition(graph, y)
        ready = y if addition is None else int(addition.outputs[0])
        layers = layers_behind(graph, ready)
        if not layers:
            continue
        for layer in layers:
            weights = int(layer.inputs[1])
            scaled = _scaled(graph, layer, factors)
            graph.set_input(layer, 1, graph.add_constant(scaled, graph.name(weights)))
        if addition is not None:
            offset = added_constant(graph, addition) / factors
            shifted = graph.add_constant(offset, graph.name(int(addition.inputs[1])))
            graph.set_input(addition, 1, shifted)
        graph.redirect(y, x)
        graph.remove(product)


def layers_behind(graph: Graph, tensor: int) -> list[Any]:
    """The layers that read a tensor, through padding; empty where something else reads it."""
    found: list[Any] = []
    for operator in graph.consumers(tensor):
        if graph.kind(operator) == "PAD":
            behind = layers_behind(graph, int(operator.outputs[0]))
        else:
            behind = [operator] if _scales(graph, operator, tensor) else []
        if not behind:
            return []
        found += behind
    return [] if tensor in graph.outputs else found


def _only_addition(graph: Graph, tensor: int) -> Any | None:
    followers = graph.consumers(tensor)
    if len(followers) != 1 or tensor in graph.outputs or graph.kind(followers[0]) != "ADD":
        return None
    return followers[0] if added_constant(graph, followers[0]) is not None else None


def _scales(graph: Graph, layer: Any, tensor: int) -> bool:
    """Whether a layer's weights can take up a factor for each channel of its input `tensor`."""
    if graph.kind(layer) not in _LAYERS or layer.inputs[0] != tensor:
        return False
    weights, channels = graph.constant(int(layer.inputs[1])), graph.shape(tensor)[-1]
    if weights is None or weights.dtype != np.float32:
        return False
    if graph.kind(layer) == "DEPTHWISE_CONV_2D":
        return weights.shape[-1] == channels * layer.builtinOptions.depthMultiplier
    return weights.shape[-1] == channels


def _scaled(graph: Graph, layer: Any, factors: np.ndarray) -> np.ndarray:
    weights = graph.values(int(layer.inputs[1]))
    if graph.kind(layer) == "DEPTHWISE_CONV_2D":
        factors = np.repeat(factors, layer.builtinOptions.depthMultiplier)
    return weights * factors
