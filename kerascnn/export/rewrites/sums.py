"""Ranges of what is added: the CPU delegate's 8-bit ADD wants scales of a similar size."""

from collections.abc import Sequence

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph

_WIDEST = 900  # an operand's scale may be 1/1024 of the result's; less stays with the slow kernel


def sums(graph: Graph) -> list[tuple[str, str]]:
    """(name of an operand, name of the result) of every addition and subtraction."""
    found = []
    for operator in graph.find("ADD", "SUB"):
        result = graph.name(int(operator.outputs[0]))
        computed = [int(i) for i in operator.inputs if graph.constant(int(i)) is None]
        found += [(graph.name(operand), result) for operand in computed]
    return found


def widened(
    ranges: dict[str, dict[str, np.ndarray]], sums: Sequence[tuple[str, str]]
) -> dict[str, dict[str, np.ndarray]]:
    """The ranges, with operands that add next to nothing given a share of their result's range.

    Their steps get coarser but stay far below one step of the result, so nothing is lost. Fresh
    layer scales (1e-6 in ConvNeXt) make such operands.

    Args:
        ranges: "min" and "max", [1] each, by tensor name.
        sums: What `sums` found.
    """
    wider = dict(ranges)
    for operand, result in sums:
        if operand not in wider or result not in wider:
            continue
        low, high = wider[operand]["min"], wider[operand]["max"]
        least = _extent(wider[result]) / _WIDEST
        if _extent(wider[operand]) < least:
            wider[operand] = {
                "min": np.minimum(low, -least / 2),
                "max": np.maximum(high, least / 2),
            }
    return wider


def _extent(entry: dict[str, np.ndarray]) -> float:
    """Width of a range as it is stored: zero lies in it."""
    return float(max(entry["max"][0], 0.0) - min(entry["min"][0], 0.0))
