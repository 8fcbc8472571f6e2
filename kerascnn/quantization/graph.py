"""A model as a list of steps, nested models taken apart, and models made from such a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from kerascnn.errors import InputError

Tensor = Any


@dataclass(frozen=True)
class Step:
    """One call of one layer or operation.

    Attributes:
        operation: The layer, of the model that was taken apart.
        node: Keras's record of the call, which knows its arguments.
        inputs: Numbers of the tensors that go in, in the node's order.
        outputs: Numbers of the tensors that come out.
    """

    operation: Any
    node: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A model taken apart.

    Attributes:
        steps: In the order of computation.
        inputs: Numbers of the model's inputs.
        outputs: Numbers of its outputs.
        consumers: For each tensor the numbers of the steps it goes into; `len(steps)` stands for
            the end of the model.
        producers: For each tensor the number of the step it comes from; inputs have none.
    """

    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    consumers: dict[int, list[int]] = field(default_factory=dict)
    producers: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, step in enumerate(self.steps):
            for value in step.inputs:
                self.consumers.setdefault(value, []).append(number)
            self.producers.update(dict.fromkeys(step.outputs, number))
        for value in self.outputs:
            self.consumers.setdefault(value, []).append(len(self.steps))


def take_apart(model: keras.Model) -> Graph:
    """The steps of a functional or Sequential model.

    Raises:
        InputError: A model without a graph of layers.
    """
    graph = _functional(model)
    if graph is None:
        kind = type(model).__name__
        raise InputError(
            "expected a functional or Sequential model that was built. Received: "
            f"{kind} {getattr(model, 'name', '')!r}, which has no graph of layers. Build it as "
            "keras.Model(inputs, outputs)."
        )
    known = {id(tensor): number for number, tensor in enumerate(graph.inputs)}
    steps: list[Step] = []
    _trace(graph, known, steps, _Counter(len(known)))
    return Graph(
        tuple(steps),
        tuple(known[id(tensor)] for tensor in graph.inputs),
        tuple(known[id(tensor)] for tensor in graph.outputs),
    )


class Rebuilt:
    """A new model in the making: steps are called one by one on new tensors.

    Args:
        model: The model that was taken apart.
        graph: Its steps.
    """

    def __init__(self, model: keras.Model, graph: Graph):
        self._model, self._functional = model, _functional(model)
        self._inputs = [
            keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t._keras_history.operation.name)
            for t in self._functional.inputs
        ]
        self._graph = graph
        self._names: set[str] = {tensor.name for tensor in self._inputs}
        self.tensors: dict[int, Tensor] = dict(zip(graph.inputs, self._inputs, strict=True))

    def call(self, step: Step, layer: Any, tensors: Sequence[Tensor] | None = None) -> Any:
        """Calls `layer` as the step was called, on `tensors` or else on the new ones."""
        if tensors is None:
            tensors = [self.tensors[value] for value in step.inputs]
        old = [id(tensor) for tensor in step.node.input_tensors]
        args, kwargs = step.node.arguments.fill_in(dict(zip(old, tensors, strict=True)))
        given = {name: value for name, value in kwargs.items() if value is not None}  # mask=None
        return layer(*args, **given)

    def free_name(self, wanted: str) -> str:
        """`wanted`, with a number if it is taken: names are unique in a model."""
        name, number = wanted, 1
        while name in self._names:
            name, number = f"{wanted}_{number}", number + 1
        self._names.add(name)
        return name

    def model(self) -> keras.Model:
        """The new model, with the old one's name, inputs and outputs."""
        outputs = [self.tensors[value] for value in self._graph.outputs]
        pack = keras.tree.pack_sequence_as
        return keras.Model(
            pack(self._functional._inputs_struct, self._inputs),
            pack(self._functional._outputs_struct, outputs),
            name=self._model.name,
        )


class _Counter:
    def __init__(self, first: int):
        self._next = first

    def __call__(self) -> int:
        self._next += 1
        return self._next - 1


def _functional(model: Any) -> Any:
    """The graph of a functional or Sequential model; None for everything else."""
    graph = getattr(model, "_functional", None) or model
    return graph if isinstance(graph, keras.Model) and hasattr(graph, "operations") else None


def _trace(graph: Any, known: dict[int, int], steps: list[Step], new: Callable[[], int]) -> None:
    depths = sorted(graph._nodes_by_depth, reverse=True)
    for node in (node for depth in depths for node in graph._nodes_by_depth[depth]):
        if node.is_input:
            continue
        inputs = tuple(known[id(tensor)] for tensor in node.input_tensors)
        nested = _functional(node.operation)
        if nested is None:
            outputs = tuple(new() for _ in node.output_tensors)
            steps.append(Step(node.operation, node, inputs, outputs))
        else:
            inner = {id(t): value for t, value in zip(nested.inputs, inputs, strict=True)}
            _trace(nested, inner, steps, new)
            outputs = tuple(inner[id(tensor)] for tensor in nested.outputs)
        known.update((id(t), v) for t, v in zip(node.output_tensors, outputs, strict=True))
