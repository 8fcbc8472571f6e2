"""What an 8-bit file computes in float32, because its integer form is worse and undelegated."""

from collections.abc import Sequence
from typing import Any

from kerascnn.export.flatbuffer.graph import Graph

# No 8-bit kernel in the CPU delegate, a float32 one that is fast, and results that 8 bits spoil.
_SEEDS = ("DIV", "EXP", "GELU", "MAXIMUM", "MINIMUM", "RSQRT", "SQRT", "SQUARED_DIFFERENCE")
_ROOTS = ("RSQRT", "SQRT", "DIV", "SQUARED_DIFFERENCE")  # those that normalisations are made of
_BEFORE = ("ADD", "MEAN", "MUL", "SQUARE", "SQUARED_DIFFERENCE", "SUB", "SUM")
_BEHIND = ("ADD", "MUL", "RSQRT", "SQRT", "SUB")


def float_islands(graph: Graph) -> list[str]:
    """Names of the results of operators that should stay in float32.

    The quantiser puts a DEQUANTIZE in front of such operators and a QUANTIZE behind. The delegate
    takes both, so the file stays one partition. A normalisation is kept whole: its means, roots and
    products go from 8 bits to 8 bits in one stretch.
    """
    island = {id(operator): operator for operator in graph.find(*_SEEDS)}
    for addition in graph.find("ADD"):
        island |= {id(operator): operator for operator in _split_depthwise(graph, addition)}
    pending = [op for op in island.values() if graph.kind(op) in _ROOTS]
    while pending:
        operator = pending.pop()
        for neighbour in [*_behind(graph, operator), *_before(graph, operator, island)]:
            if id(neighbour) not in island:
                island[id(neighbour)] = neighbour
                pending.append(neighbour)
    return [graph.name(int(operator.outputs[0])) for operator in island.values()]


def _split_depthwise(graph: Graph, addition: Any) -> list[Any]:
    """A sum and the depthwise convolutions of one tensor that it adds; empty for other sums.

    In 8 bits each partial sum would be rounded; in float32 they are as fast.
    """
    parts, found, sources = [addition], [], set()
    while parts:
        operator = parts.pop()
        found.append(operator)
        if graph.kind(operator) == "DEPTHWISE_CONV_2D":
            sources.add(int(operator.inputs[0]))
            continue
        producers = [graph.producer(int(tensor)) for tensor in operator.inputs]
        if graph.kind(operator) != "ADD" or None in producers:
            return []
        parts += producers
    return found if len(sources) == 1 else []


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
