"""Reaching into a model while it computes: any layer of it, however deep it is nested."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import require
from kerascnn.last_layers import last_operations

Tensor = Any


@contextlib.contextmanager
def tapped(
    layer: Any, change: Callable[[Tensor], Tensor], *, inputs: bool = False
) -> Iterator[None]:
    """While open, `layer` gives `change(output)` in place of its output.

    With `inputs`, it takes `change(input)` in place of its first input.

    It is the layer itself that is changed, so it works in nested, Sequential and subclassed models
    alike; another thread must not use the model meanwhile. Functions that were compiled before,
    such as those of `model.predict`, are not reached: call the model itself.
    """
    compute = layer.call

    def of_input(first: Tensor, *others: Tensor, **options: Any) -> Tensor:
        return compute(change(first), *others, **options)

    def of_output(*given: Tensor, **options: Any) -> Tensor:
        return change(compute(*given, **options))

    with replaced(layer, "call", of_input if inputs else of_output):
        yield


@contextlib.contextmanager
def giving_logits(model: keras.Model) -> Iterator[None]:
    """While open, the model gives the scores that its last softmax or sigmoid would take.

    A probability near 0 or 1 has no slope left. A model that ends in neither gives what it always
    gives.
    """
    layer = _squashing_layer(model)
    if type(layer).__name__ in ("Softmax", "Sigmoid"):  # a layer, or an operation of `keras.ops`
        with replaced(layer, "call", lambda inputs, *_, **__: inputs):
            yield
    elif getattr(layer, "activation", None) is keras.activations.sigmoid:
        with replaced(layer, "activation", _sigmoid_left_out):
            yield
    elif getattr(layer, "activation", None) is keras.activations.softmax:
        with replaced(layer, "activation", keras.activations.linear):
            yield
    else:
        yield


def ends_in_sigmoid(model: keras.Model) -> bool:
    """Whether its outputs come from a sigmoid, also while `giving_logits` leaves it out."""
    layer = _squashing_layer(model)
    known = (keras.activations.sigmoid, _sigmoid_left_out)
    return type(layer).__name__ == "Sigmoid" or getattr(layer, "activation", None) in known


def _sigmoid_left_out(values: Tensor) -> Tensor:
    return values


def _squashing_layer(model: keras.Model) -> Any:
    """The last layer, or the one before it where that only moves values or casts them."""
    (found, *others) = last_operations(model, through_rounding=False)
    return last_layer(model) if found is None or others else found


@contextlib.contextmanager
def replaced(layer: Any, name: str, value: Any) -> Iterator[None]:
    """While open, the attribute `name` of a layer or operation is `value`."""
    own = vars(layer).get(name)  # a method is the class's, and shows again when ours is gone
    setattr(layer, name, value)
    try:
        yield
    finally:
        delattr(layer, name)
        if own is not None:
            setattr(layer, name, own)


def last_layer(model: keras.Model) -> Any:
    """The layer or operation that gives the model's output; None in a model without a graph."""
    layer: Any = model
    while isinstance(layer, keras.Model):
        if isinstance(layer, keras.Sequential):
            layer = layer.layers[-1] if layer.layers else None
        else:
            outputs: Any = getattr(layer, "outputs", None) or ()
            layer = outputs[0]._keras_history.operation if len(outputs) == 1 else None
    return layer


def layers_of(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Every layer in the order of computation, those of nested models in their place.

    Raises:
        InputError: Something that is no model.
    """
    require(model, keras.Model, "a keras.Model")
    for layer in model.layers:
        if isinstance(layer, keras.Model) and layer.layers:
            yield from layers_of(layer)
        else:
            yield layer


def operations_of(model: keras.Model) -> Iterator[Any]:
    """Every layer that is none made of others, and every operation of functional models, once.

    Also those that subclassed models and layers hold, in no particular order.
    """
    waiting: list[Any] = [model]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            inner = [*getattr(each, "_layers", ()), *getattr(each, "operations", ())]
            waiting += inner
            if not inner or not isinstance(each, keras.Model):
                yield each


def find_layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """The layer of that name, also inside nested models.

    Raises:
        InputError: No layer of that name.
    """
    require(model, keras.Model, "a keras.Model")
    waiting = list(model.layers)
    while waiting:
        layer = waiting.pop(0)
        if layer.name == name:
            return layer
        waiting += getattr(layer, "layers", [])
    last = [layer.name for layer in layers_of(model)][-8:]
    raise InputError(f"no layer {name!r} in the model {model.name!r}. Its last ones: {last}.")
