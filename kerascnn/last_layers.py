"""What the last layer behind each output of a Keras model says about its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kerascnn.errors import InputError
from kerascnn.quantization import FakeQuantize, QuantizedWeights
from kerascnn.quantization.graph import take_apart
from kerascnn.quantization.kinds import activation_name, keeps_grid, kind
from kerascnn.tasks import Kind

_KINDS: dict[str, Kind] = {
    "softmax": "probabilities",
    "sigmoid": "independent",
    "hard_sigmoid": "independent",
}
# Layers whose outputs are scores without a squashing function of their own, or with another one.
_SCORES = {
    *("Add", "AveragePooling2D", "BatchNormalization", "Conv2D", "Conv2DTranspose", "CosineDense"),
    *("Dense", "DepthwiseConv2D", "EinsumDense", "GlobalAveragePooling1D", "GroupedConv2D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "LayerNormalization"),
    *("LeakyReLU", "LogSoftmax", "MaxPooling2D", "PReLU", "RBFOutput", "ReLU", "Relu", "Relu6"),
    *("Rescaling", "SeparableConv2D", "Tanh"),
}


def output_kinds(model: Any) -> tuple[Kind | None, ...]:
    """What each output is, in the order of `model.outputs`.

    Layers that only move or round values are passed over: casts, dropout, reshapes, identities,
    the rounding of quantisation-aware training. Nested models are entered.

    Returns:
        "probabilities" of a softmax, "independent" of a sigmoid, "logits" of a layer of scores
        with neither behind it, and None where none of these can be told: a subclassed model, or a
        last layer that could compute anything.
    """
    return tuple(_kind_of(operation) for operation in last_operations(model))


def kinds_by_role(model: Any, roles: Sequence[str]) -> tuple[Kind | None, ...]:
    """`output_kinds` in the order of `roles`, also of a model that gives a mapping by role."""
    found = output_kinds(model)
    if isinstance(getattr(model, "output", None), Mapping):  # flattened by sorted names
        names = sorted(model.output)
        if set(names) == set(roles):
            return tuple(found[names.index(role)] for role in roles)
    return found


def last_operations(model: Any, *, through_rounding: bool = True) -> tuple[Any, ...]:
    """The layer or operation that computes each output; None where there is no graph of them.

    Args:
        model: Any Keras model.
        through_rounding: Whether the rounding of quantisation-aware training is passed over too.
    """
    try:
        graph = take_apart(model)
    except InputError:
        return (None,) * max(1, len(getattr(model, "outputs", None) or ()))
    found = []
    for value in graph.outputs:
        operation: Any = None
        while value in graph.producers:
            step = graph.steps[graph.producers[value]]
            operation = step.operation
            if isinstance(operation, QuantizedWeights):
                operation = operation.layer
            rounds = isinstance(operation, FakeQuantize)
            passed = through_rounding if rounds else _passes_on(operation)
            if len(step.inputs) != 1 or not passed:
                break
            value = step.inputs[0]
        found.append(operation)
    return tuple(found)


def _passes_on(operation: Any) -> bool:
    """Whether its outputs are the values of its input, in another order or precision."""
    return keeps_grid(operation) and kind(operation) != "MaxPooling2D"


def _kind_of(operation: Any) -> Kind | None:
    name = activation_name(operation)
    if not name:
        own = getattr(operation, "activation", None)
        name = getattr(own, "__name__", "") if own is not None else ""
    if name in _KINDS:
        last_axis = getattr(operation, "axis", -1) in (-1, None)
        return _KINDS[name] if last_axis or name != "softmax" else None
    if kind(operation) == "Activation":
        known = getattr(keras.activations, name, None) is operation.activation
        return "logits" if known else None
    if kind(operation) in _SCORES:
        return "logits" if not name or hasattr(keras.activations, name) else None
    return None
