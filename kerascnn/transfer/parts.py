"""The two parts of a classifier: the backbone, which sees, and the head, which decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from kerascnn.errors import InputError

# Layers of `attach_head` begin so; the last is `predictions`, as in the models of kerascnn and most
# of keras.applications.
HEAD_PREFIX, LAST = "head_", "predictions"

Tensor = Any


@dataclass(frozen=True)
class Parts:
    """A model taken apart. Layers, and with them weights, are the model's own.

    Attributes:
        backbone: Its layers in the order of computation, those of nested models one by one.
        head: The layers after it, likewise; pooling without weights may be among the backbone's.
        features: Symbolic tensor between the two, inside the model's graph.
    """

    backbone: tuple[keras.layers.Layer, ...]
    head: tuple[keras.layers.Layer, ...]
    features: Tensor


def split(model: keras.Model, head: str | None = None) -> Parts:
    """Finds where a model's backbone ends and its head begins.

    The head begins at the layer that `head` names; without it, at the first layer made by
    `attach_head`; else after a nested model with weights; else at the layer `predictions`; else
    after the last layer with weights that gives maps. Layers without weights and without
    randomness at its beginning, such as pooling, count as backbone.

    Args:
        model: Functional or Sequential, built, one input and one output.
        head: Name of the head's first layer.

    Raises:
        InputError: A model that cannot be taken apart, or no layer of that name.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"expected a keras.Model. Received: {type(model).__name__}.")
    graph = getattr(model, "_functional", None) or model
    if not isinstance(graph, keras.Model) or not hasattr(graph, "operations"):
        raise InputError(
            f"the model {model.name!r} has no graph of layers to take apart: it is a subclass of "
            "keras.Model, or was not built yet. Use it as the backbone of "
            "`kerascnn.transfer.attach_head`, or build it with an input shape."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InputError(
            f"expected a model with one input and one output. {model.name!r} has "
            f"{len(model.inputs)} and {len(model.outputs)}."
        )
    operations = [o for o in graph.operations if not isinstance(o, keras.layers.InputLayer)]
    start = _start(operations, head)
    while head is None and start and is_random(operations[start - 1]):
        start -= 1  # a dropout before the last layer is the head's
    if not start or not any(has_weights(o) for o in operations[:start]):
        raise InputError(
            f"no backbone found in {model.name!r}: no layer before {operations[start].name!r} has "
            "weights. Name the first layer of the head: head=NAME."
        )
    if not any(has_weights(o) for o in operations[start:]):
        raise InputError(
            f"found no head in {model.name!r}: no layer from {operations[start].name!r} on has "
            "weights. Attach one with `kerascnn.transfer.attach_head`."
        )
    features = _crossing(graph, operations[start:])
    if features is None:
        raise InputError(
            f"{model.name!r} cannot be cut before {operations[start].name!r}: more than one tensor "
            "goes on from there. Name a layer behind which everything hangs on one: head=NAME."
        )
    for end in range(start + 1, len(operations)):
        if has_weights(operations[end - 1]) or is_random(operations[end - 1]):
            break
        later = _crossing(graph, operations[end:])
        if later is not None:
            start, features = end, later
    return Parts(tuple(leaves(operations[:start])), tuple(leaves(operations[start:])), features)


def leaves(layers: Sequence[Any]) -> Iterator[keras.layers.Layer]:
    """The layers themselves, and in place of a nested model, its layers."""
    for layer in layers:
        if isinstance(layer, keras.Model) and layer.layers:
            yield from leaves(layer.layers)
        elif isinstance(layer, keras.layers.Layer):
            yield layer


def has_weights(operation: Any) -> bool:
    """Whether there is something to train in a layer; operations that are no layers have nothing.

    Random layers keep the state of their generator as a weight, which is none in this sense.
    """
    return isinstance(operation, keras.layers.Layer) and any(
        "seed" not in weight.path.split("/")[-1] for weight in operation.weights
    )


def is_random(operation: Any) -> bool:
    """Whether a layer draws random numbers while training, itself or one inside it."""
    if not isinstance(operation, keras.layers.Layer):
        return False
    return any(
        isinstance(value, keras.random.SeedGenerator)
        for layer in operation._flatten_layers()
        for value in vars(layer).values()
    )


def calls_of(operation: Any, graph: Any) -> list[Any]:
    """The nodes of an operation in this graph; it may have been called in others as well."""
    own = {id(node) for nodes in graph._nodes_by_depth.values() for node in nodes}
    return [node for node in operation._inbound_nodes if id(node) in own]


def _start(operations: Sequence[Any], head: str | None) -> int:
    names = [operation.name for operation in operations]
    if head is not None:
        if head not in names:
            raise InputError(f"no layer {head!r} in the model. Its last ones: {names[-8:]}.")
        return names.index(head)
    for number, name in enumerate(names):
        if name.startswith(HEAD_PREFIX):
            return number
    nested = [i for i, o in enumerate(operations) if isinstance(o, keras.Model) and has_weights(o)]
    if nested and nested[0] < len(operations) - 1:
        return nested[0] + 1
    if LAST in names:
        return names.index(LAST)
    maps = [
        number
        for number, operation in enumerate(operations)
        if has_weights(operation) and len(operation.output.shape) == 4
    ]
    if not maps or maps[-1] == len(operations) - 1:
        raise InputError(
            "found no head: no layer `predictions`, and none with weights after the last feature "
            "maps. Attach one with `kerascnn.transfer.attach_head`, or name its first layer."
        )
    return maps[-1] + 1


def _crossing(graph: Any, later: Sequence[Any]) -> Tensor | None:
    """The one tensor that goes into operations from outside; None if there are several."""
    nodes = [node for operation in later for node in calls_of(operation, graph)]
    made = {id(tensor) for node in nodes for tensor in node.output_tensors}
    needed = {id(t): t for node in nodes for t in node.input_tensors if id(t) not in made}
    return next(iter(needed.values())) if len(needed) == 1 else None
