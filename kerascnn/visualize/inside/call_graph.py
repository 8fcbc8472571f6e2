"""The graph of a model as a list of calls, nested models in their place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from kerascnn.errors import InputError

Shape = tuple[int | None, ...]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation.

    Attributes:
        layer: What is called.
        shape: Of its first output, without the batch.
        sources: Places in the list of the calls whose outputs it takes.
    """

    layer: Any
    shape: Shape
    sources: list[int]


def calls_of(model: Any) -> list[Call]:
    """Calls in an order in which they can be computed, inputs first.

    Raises:
        InputError: Not a functional or Sequential model.
    """
    graph = graph_of(model)
    if graph is None:
        raise InputError(
            f"a diagram needs a functional or Sequential model; {model.name!r} is a "
            f"{type(model).__name__}."
        )
    calls: list[Call] = []
    made_by: dict[int, int] = {}
    for tensor in graph.inputs:
        calls.append(Call(tensor._keras_history.operation, tuple(tensor.shape[1:]), []))
        made_by[id(tensor)] = len(calls) - 1

    def add(node: Any) -> int:
        tensors = node.arguments.keras_tensors
        sources = list(dict.fromkeys(made_by[id(tensor)] for tensor in tensors))
        calls.append(Call(node.operation, tuple(node.outputs[0].shape[1:]), sources))
        return len(calls) - 1

    for _ in walk(graph, made_by, add):
        pass
    return calls


def graph_of(model: Any) -> Any:
    """The graph of a functional or Sequential model; None for others."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def walk(graph: Any, known: dict[int, Value], compute: Callable[[Any], Value]) -> Iterator[Any]:
    """Yields every call once the value of its outputs is known; a nested model after its inside.

    Args:
        graph: From `graph_of`.
        known: The value of each tensor, by its id; those of the inputs to begin with.
        compute: The value of the outputs of one call, whose inputs are known.
    """
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            inputs = node.arguments.keras_tensors
            if not inputs:
                continue
            inner = graph_of(node.operation)
            if inner is None:
                value = compute(node)
                known.update((id(output), value) for output in node.outputs)
            else:
                for inside, outside in zip(inner.inputs, inputs, strict=True):
                    known[id(inside)] = known[id(outside)]
                yield from walk(inner, known, compute)
                for inside, outside in zip(inner.outputs, node.outputs, strict=True):
                    known[id(outside)] = known[id(inside)]
            yield node
