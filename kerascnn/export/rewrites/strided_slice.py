"""Every n-th pixel: the CPU delegate takes neither slices with gaps nor pools over one pixel."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.schema import VALID
from kerascnn.export.rewrites.activations import NONE

_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")


def subsample_by_convolution(graph: Graph) -> None:
    """Writes x[:, ::s, ::t, :] as a depthwise convolution of one pixel with weight 1.

    So are pools over one pixel, the other way of saying it.
    """
    for operator in graph.find("STRIDED_SLICE", *_POOLS):
        pool = graph.kind(operator) in _POOLS
        strides = _pool_strides(operator) if pool else _pixel_strides(graph, operator)
        if strides is None:
            continue
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        channels, name = graph.shape(x)[3], graph.name(y)
        one = graph.add_constant(np.ones((1, 1, 1, channels), np.float32), f"{name}/one")
        none = graph.add_constant(np.zeros(channels, np.float32), f"{name}/no_bias")
        graph.add_operator(
            "DEPTHWISE_CONV_2D",
            [x, one, none],
            [y],
            before=operator,
            options="DepthwiseConv2DOptions",
            values={
                "padding": VALID,
                "strideH": strides[0],
                "strideW": strides[1],
                "depthMultiplier": 1,
                "fusedActivationFunction": (
                    operator.builtinOptions.fusedActivationFunction if pool else NONE
                ),
            },
        )
        graph.remove(operator)


def _pool_strides(operator: Any) -> tuple[int, int] | None:
    """The two strides of a pool over single pixels."""
    settings = operator.builtinOptions
    strides = (settings.strideH, settings.strideW)
    single = (settings.filterHeight, settings.filterWidth) == (1, 1)
    return strides if single and strides != (1, 1) else None


def _pixel_strides(graph: Graph, operator: Any) -> tuple[int, int] | None:
    """The two strides of a slice that keeps every n-th row and column, all else whole."""
    x, y = (graph.shape(int(part[0])) for part in (operator.inputs, operator.outputs))
    begin, _, strides = (graph.constant(int(i)) for i in operator.inputs[1:])
    if begin is None or strides is None or len(x) != 4 or len(y) != 4:
        return None
    settings = operator.builtinOptions
    if settings.ellipsisMask or settings.newAxisMask or settings.shrinkAxisMask:
        return None
    starts = [0 if settings.beginMask >> i & 1 else int(begin[i]) for i in range(4)]
    steps = [int(step) for step in strides]
    expected = (x[0], -(-x[1] // steps[1]), -(-x[2] // steps[2]), x[3])
    if starts != [0] * 4 or min(steps) < 1 or steps[1:3] == [1, 1]:
        return None
    return (steps[1], steps[2]) if (steps[0], steps[3]) == (1, 1) and y == expected else None
