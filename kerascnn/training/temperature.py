"""A temperature folded into a classifier, so that every file made from it is calibrated.

Temperature scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2) divides the scores before the
softmax. Whatever lies between the last weights and the softmax lets a positive factor pass, so the
division moves into these weights: it costs nothing, changes no answer, and the 8-bit outputs of an
int8 file resolve the calibrated probabilities, not the raw ones.
"""

from collections.abc import Iterator
from typing import Any

import keras

from kerascnn.arguments import positive
from kerascnn.copying import copy_model
from kerascnn.errors import InputError
from kerascnn.quantization import FakeQuantize, QuantizedWeights
from kerascnn.quantization.graph import Graph, Step, take_apart
from kerascnn.quantization.kinds import activation_name, kind

# f(x / T) = f(x) / T for T > 0.
_HOMOGENEOUS = {
    *("AveragePooling2D", "Cast", "Dropout", "Flatten", "GlobalAveragePooling2D"),
    *("GlobalMaxPooling2D", "Identity", "MaxPooling2D", "Permute", "Reshape", "SpatialDropout2D"),
}
_PASSING = (keras.activations.linear, keras.activations.relu)


def apply_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """A copy of a classifier whose scores are divided by `temperature` before the softmax.

    The kernel and bias of the last layer with weights are divided, in a quantisation-aware model
    the ranges behind them too: the copy has the same layers, costs the same and chooses the same
    classes. It is not compiled; the model itself is not changed.

    Args:
        model: Functional or Sequential, nested or not, ending in a softmax, or for two classes in
            one sigmoid; between this and a dense or convolutional layer there may be pooling, a
            ReLU and layers that only move values.
        temperature: From `fit_temperature`.

    Raises:
        InputError: A model with another end, or a temperature that is not above 0.
    """
    positive("temperature", temperature)
    score_weights(model)
    copy = copy_model(model)
    for weight in score_weights(copy):
        weight.assign(weight / temperature)
    return copy


def score_weights(model: keras.Model) -> list[Any]:
    """The variables to which the scores before the softmax are proportional.

    Raises:
        InputError: The model does not end as `apply_temperature` needs it.
    """
    graph = take_apart(model)
    steps = _from_the_end(model, graph)
    single = tuple(model.outputs[0].shape)[1:] == (1,)  # one sigmoid: a softmax of two classes
    weights: list[Any] = []
    for step in steps:  # back to the softmax
        operation = step.operation
        if isinstance(operation, keras.layers.Dense) and _has_softmax(operation):
            return operation.weights
        if _is_softmax(operation, single):
            break
        if not _is_fixed(operation):
            raise _other_end(model, operation)
    else:
        raise _other_end(model, None)
    for step in steps:
        operation = step.operation
        layer = operation.layer if isinstance(operation, QuantizedWeights) else operation
        if isinstance(operation, FakeQuantize):
            weights += [operation.low, operation.high]
        elif isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D)):
            if layer.activation not in _PASSING:
                break
            return [*weights, *layer.weights]
        elif not _lets_factors_pass(operation):
            break
    raise _other_end(model, operation)


def _from_the_end(model: keras.Model, graph: Graph) -> Iterator[Step]:
    """The steps that lead to the only output, the last one first, as long as they are a chain."""
    if len(graph.outputs) != 1:
        raise InputError(f"{model.name!r} has {len(graph.outputs)} outputs; one was expected.")
    calls = [id(step.operation) for step in graph.steps]
    value = graph.outputs[0]
    while value in graph.producers:
        step = graph.steps[graph.producers[value]]
        shared = calls.count(id(step.operation)) > 1 or len(graph.consumers[value]) > 1
        if shared or len(step.inputs) != 1:
            return
        yield step
        value = step.inputs[0]


def _has_softmax(layer: keras.layers.Dense) -> bool:
    if layer.units == 1:
        return layer.activation is keras.activations.sigmoid
    return layer.activation is keras.activations.softmax


def _is_softmax(operation: Any, single: bool) -> bool:
    if kind(operation) == "Softmax" and getattr(operation, "axis", -1) != -1:
        return False
    return activation_name(operation) == ("sigmoid" if single else "softmax")


def _is_fixed(operation: Any) -> bool:
    """Whether it only rounds probabilities."""
    return isinstance(operation, FakeQuantize) and operation.fixed is not None


def _lets_factors_pass(operation: Any) -> bool:
    if kind(operation) == "ReLU":
        plain = operation.max_value is None and not operation.threshold
        return plain
    if kind(operation) == "Activation":
        return operation.activation in _PASSING
    return kind(operation) in _HOMOGENEOUS


def _other_end(model: keras.Model, operation: Any) -> InputError:
    found = "no such chain" if operation is None else f"{operation.name!r}"
    return InputError(
        "a temperature is divided out of the last dense or convolutional layer, behind which a "
        "softmax comes (or one sigmoid), and pooling or a ReLU at most. "
        f"{model.name!r} ends otherwise: {found}."
    )
