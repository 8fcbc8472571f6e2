"""Average pooling as a depthwise convolution: the CPU delegate has no 8-bit kernel for it."""

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.schema import SAME
from kerascnn.export.rewrites.activations import NONE


def average_pool_as_depthwise(graph: Graph) -> None:
    """Writes each AVERAGE_POOL_2D as a depthwise convolution with equal weights.

    Pooling with padding divides by the number of pixels that are there, the convolution by the size
    of the window; a product with one factor for each position makes up for it along the edges.
    """
    for operator in graph.find("AVERAGE_POOL_2D"):
        settings = operator.builtinOptions
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        window = (settings.filterHeight, settings.filterWidth)
        channels, name = graph.shape(x)[3], graph.name(y)
        weights = np.full((1, *window, channels), 1 / (window[0] * window[1]), np.float32)
        factors = _edge_factors(graph, operator)
        summed = y if factors is None else graph.add_tensor(graph.shape(y), f"{name}/sum")
        graph.add_operator(
            "DEPTHWISE_CONV_2D",
            [
                x,
                graph.add_constant(weights, f"{name}/window"),
                graph.add_constant(np.zeros(channels, np.float32), f"{name}/no_bias"),
            ],
            [summed],
            before=operator,
            options="DepthwiseConv2DOptions",
            values={
                "padding": settings.padding,
                "strideH": settings.strideH,
                "strideW": settings.strideW,
                "depthMultiplier": 1,
                "fusedActivationFunction": (
                    settings.fusedActivationFunction if factors is None else NONE
                ),
            },
        )
        if factors is not None:
            graph.add_operator(
                "MUL",
                [summed, graph.add_constant(factors, f"{name}/edges")],
                [y],
                before=operator,
                options="MulOptions",
                values={"fusedActivationFunction": settings.fusedActivationFunction},
            )
        graph.remove(operator)


def _edge_factors(graph: Graph, operator: object) -> np.ndarray | None:
    """Size of the window by the pixels in it, [1, height, width, 1]; None where always 1."""
    settings = operator.builtinOptions  # type: ignore[attr-defined]
    if settings.padding != SAME:
        return None
    x, y = (graph.shape(int(part[0])) for part in (operator.inputs, operator.outputs))  # type: ignore[attr-defined]
    counts = [
        _pixels_inside(*sizes)
        for sizes in (
            (x[1], y[1], settings.filterHeight, settings.strideH),
            (x[2], y[2], settings.filterWidth, settings.strideW),
        )
    ]
    inside = np.outer(*counts)
    if (inside == inside.flat[0]).all() and inside.flat[0] == (
        settings.filterHeight * settings.filterWidth
    ):
        return None
    factors = settings.filterHeight * settings.filterWidth / inside
    return factors[np.newaxis, :, :, np.newaxis].astype(np.float32)


def _pixels_inside(length: int, results: int, window: int, stride: int) -> np.ndarray:
    """How many of a window's pixels lie inside, at each place along one side."""
    before = max(0, (results - 1) * stride + window - length) // 2
    first = np.arange(results) * stride - before
    return np.minimum(first + window, length) - np.maximum(first, 0)
