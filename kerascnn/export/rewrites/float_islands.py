"""What an 8-bit file computes in float32, because its integer form is worse and undelegated."""

from collections.abc import Sequence
from typing import Any

from kerascnn.export.rewrites.graph import Graph

# No 8-bit kernel in the CPU delegate, a float32 one that is fast, and results that 8 bits spoil.
_SEEDS = ("DIV", "EXP", "GELU", "MAXIMUM", "MINIMUM", "RSQRT", "SQRT", "SQUARED_DIFFERENCE")
_ROOTS = ("RSQRT", "SQRT", "DIV", "SQUARED_DIFFERENCE")  # those that normalisations are made of
_BEFORE = ("ADD", "MEAN", "MUL", "SQUARE", "SQUARED_DIFFERENCE", "SUB", "SUM")
_BEHIND = ("ADD", "MUL", "RSQRT", "SQRT", "SUB")


def float_islands(graph: Graph) -> list[str]:
    """Names of the results of operators that should stay in float32.

    The quantiser puts a DEQUANTIZE in front of such operators and a QUANTIZE behind. The delegate
    takes both, so the file stays in one piece. A normalisation is kept whole: its means, roots and
    products go from 8 bits to 8 bits in one stretch.
    """
    island = {id(operator): operator for operator in graph.find(*_SEEDS)}
    pending = [op for op in island.values() if graph.kind(op) in _ROOTS]
    while pending:
        operator = pending.pop()
        for neighbour in [*_behind(graph, operator), *_before(graph, operator, island)]:
            if id(neighbour) not in island:
                island[id(neighbour)] = neighbour
                pending.append(neighbour)
    return [graph.name(int(operator.outputs[0])) for operator in island.values()]


def _behind(graph: Graph, operator: Any) -> Sequence[Any]:
    readers = graph.consumers(int(operator.outputs[0]))
    return [reader for reader in readers if graph.kind(reader) in _BEHIND]


def _before(graph: Graph, operator: Any, island: dict[int, Any]) -> Sequence[Any]:
    """The operators in front whose result is read inside the island only."""
    found = []
    for tensor in operator.inputs:
        producer = graph.producer(int(tensor))
        if producer is None or graph.kind(producer) not in _BEFORE:
            continue
        if all(id(reader) in island for reader in graph.consumers(int(tensor))):
            found.append(producer)
    return found
