"""The graph of a model as a list of calls, nested models in their place."""

from dataclasses import dataclass
from typing import Any

from kerascnn.errors import InputError

Shape = tuple[int | None, ...]


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
    graph = _graph(model)
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
    _walk(graph, calls, made_by)
    return calls


def _graph(model: Any) -> Any:
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def _walk(graph: Any, calls: list[Call], made_by: dict[int, int]) -> None:
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            inputs = node.arguments.keras_tensors
            if not inputs:
                continue
            inner = _graph(node.operation)
            if inner is not None:
                for inside, outside in zip(inner.inputs, inputs, strict=True):
                    made_by[id(inside)] = made_by[id(outside)]
                _walk(inner, calls, made_by)
                for inside, outside in zip(inner.outputs, node.outputs, strict=True):
                    made_by[id(outside)] = made_by[id(inside)]
                continue
            sources = list(dict.fromkeys(made_by[id(tensor)] for tensor in inputs))
            calls.append(Call(node.operation, tuple(node.outputs[0].shape[1:]), sources))
            for tensor in node.outputs:
                made_by[id(tensor)] = len(calls) - 1
