"""Depthwise windows of more than 25 pixels: the CPU delegate has fast kernels up to there."""

from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.schema import SAME
from kerascnn.export.rewrites.activations import NONE

_FAST = 25  # pixels of a window; 7x7 takes 20 times as long as 5x5, in float32 and in 8 bits


def split_large_depthwise(graph: Graph) -> None:
    """Writes a depthwise convolution of a large window as a sum of several, some rows in each.

    Rows at equal distance above and below the middle make one convolution of two rows, dilated by
    that distance: with padding it stays centred, so nothing has to be shifted. A window of 7x7
    becomes rows (-3, 0, 3), (-2, 2) and (-1, 1).
    """
    for operator in graph.find("DEPTHWISE_CONV_2D"):
        weights = graph.constant(int(operator.inputs[1]))
        if weights is None or not _can_split(operator, weights):
            continue
        parts = _rows(*weights.shape[1:3])
        total = _partial(graph, operator, weights, parts[0], bias=True)
        for rows in parts[1:]:
            part = _partial(graph, operator, weights, rows, bias=False)
            last = rows is parts[-1]
            y = int(operator.outputs[0])
            added = y if last else graph.add_tensor(graph.shape(y), f"{graph.name(y)}/sum")
            activation = operator.builtinOptions.fusedActivationFunction if last else NONE
            graph.add_operator(
                "ADD",
                [total, part],
                [added],
                before=operator,
                options="AddOptions",
                values={"fusedActivationFunction": activation},
            )
            total = added
        graph.remove(operator)


def _can_split(operator: Any, weights: np.ndarray) -> bool:
    settings, (height, width) = operator.builtinOptions, weights.shape[1:3]
    plain = (
        settings.padding == SAME
        and (settings.strideH, settings.strideW) == (1, 1)
        and (settings.dilationHFactor, settings.dilationWFactor) == (1, 1)
        and len(operator.inputs) == 3
        and weights.dtype == np.float32
    )
    return plain and height % 2 == 1 and height * width > _FAST and 2 * width <= _FAST


def _rows(height: int, width: int) -> list[list[int]]:
    """The rows of each part; the middle one goes with the outermost where three fit."""
    middle = height // 2
    pairs = [[middle - d, middle + d] for d in range(middle, 0, -1)]
    if 3 * width <= _FAST:
        pairs[0].insert(1, middle)
        return pairs
    return [*pairs, [middle]]


def _partial(
    graph: Graph, operator: Any, weights: np.ndarray, rows: list[int], *, bias: bool
) -> int:
    """The result of a convolution with some rows of a window."""
    settings, y = operator.builtinOptions, int(operator.outputs[0])
    name = graph.name(y)
    result = graph.add_tensor(graph.shape(y), f"{name}/rows")
    none = np.zeros(weights.shape[-1], np.float32)
    graph.add_operator(
        "DEPTHWISE_CONV_2D",
        [
            int(operator.inputs[0]),
            graph.add_constant(np.ascontiguousarray(weights[:, rows]), f"{name}/rows_weights"),
            int(operator.inputs[2]) if bias else graph.add_constant(none, f"{name}/no_bias"),
        ],
        [result],
        before=operator,
        options="DepthwiseConv2DOptions",
        values={
            "padding": SAME,
            "strideH": 1,
            "strideW": 1,
            "depthMultiplier": settings.depthMultiplier,
            "dilationHFactor": rows[1] - rows[0] if len(rows) > 1 else 1,
            "dilationWFactor": 1,
        },
    )
    return result
