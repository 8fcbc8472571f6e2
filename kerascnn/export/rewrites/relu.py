"""ReLUs that stand alone: free inside the layer in front, or a product in 8 bits."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.rewrites.activations import NONE, RELU, RELU6

_FUSED = {"RELU": RELU, "RELU6": RELU6}
_LAYERS = ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MUL")


def relu_before_concatenation(graph: Graph) -> None:
    """Writes relu(concatenation of a, b) as the concatenation of relu(a), relu(b), inside layers.

    It is done where each part comes from a layer that can apply the ReLU itself, and nothing else
    reads the parts: a pass over the data less (the fire modules of SqueezeNet).
    """
    for operator in graph.find(*_FUSED):
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        joining = graph.producer(x)
        if joining is None or graph.kind(joining) != "CONCATENATION" or not _alone(graph, x):
            continue
        made = [graph.producer(int(part)) for part in joining.inputs]
        layers = [layer for layer in made if layer is not None and _can_apply_relu(graph, layer)]
        if len(layers) < len(made):
            continue
        for layer in layers:
            layer.builtinOptions.fusedActivationFunction = _FUSED[graph.kind(operator)]
        graph.redirect(y, x)
        graph.remove(operator)


def relu_by_product(graph: Graph) -> None:
    """Writes relu(x) as relu(1 x): the delegate has an 8-bit ReLU only behind another operator.

    So do networks whose ReLU input also goes around a block, such as Xception.
    """
    for operator in graph.find(*_FUSED):
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        one = graph.add_constant(np.array(1.0, np.float32), f"{graph.name(y)}/one")
        graph.add_operator(
            "MUL",
            [x, one],
            [y],
            before=operator,
            options="MulOptions",
            values={"fusedActivationFunction": _FUSED[graph.kind(operator)]},
        )
        graph.remove(operator)


def _alone(graph: Graph, tensor: int) -> bool:
    """Whether one operator, and nothing else, reads a tensor."""
    return len(graph.consumers(tensor)) == 1 and tensor not in graph.outputs


def _can_apply_relu(graph: Graph, layer: Any) -> bool:
    return (
        graph.kind(layer) in _LAYERS
        and layer.builtinOptions.fusedActivationFunction == NONE
        and _alone(graph, int(layer.outputs[0]))
    )
