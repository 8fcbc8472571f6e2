"""From a quantisation-aware model back to a plain one, and what its ranges belong to."""

from typing import Any

import keras
import numpy as np

from kerascnn.copying import copy_of
from kerascnn.errors import InputError
from kerascnn.quantization import kinds
from kerascnn.quantization.aware import has_fake_quantization
from kerascnn.quantization.graph import Graph, Rebuilt, Step, take_apart
from kerascnn.quantization.layers import FakeQuantize, FoldedBatchNormalization, QuantizedWeights
from kerascnn.quantization.ranges import LearnedRange, learned_range

Tensor = Any


def strip(model: keras.Model, *, rounded: bool = True) -> keras.Model:
    """The plain model inside a quantisation-aware one: its layers without any rounding.

    Args:
        model: From `quantize_aware`, trained as a rule.
        rounded: Give the weights as the int8 file holds them; else as training left them.

    Raises:
        InputError: The model is not quantisation-aware.
    """
    return _stripped(model, rounded)[0]


def with_ranges(model: keras.Model) -> tuple[keras.Model, tuple[LearnedRange, ...]]:
    """A plain model that gives activations, and the learned range of each.

    Its outputs are a list of tensors of the rounded, stripped model; the ranges are in the same
    order. One range may belong to several tensors: those that share a grid.

    Raises:
        InputError: The model is not quantisation-aware, or has learned no range yet.
    """
    plain, tensors = _stripped(model, rounded=True)
    found = [(learned_range(layer), tensor) for layer, tensor in tensors]
    known = [(span, tensor) for span, tensor in found if span is not None]
    known += [_unscaled(*pair) for pair in known if kinds.shifts_pixels(_maker(pair[1]))]
    if not known:
        raise InputError(
            f"{model.name!r} has learned no ranges yet: train it, or show it samples with "
            "kerascnn.quantization.observe(model, samples)."
        )
    outputs = [tensor for _, tensor in known]
    return keras.Model(plain.input, outputs), tuple(span for span, _ in known)


def _maker(tensor: Tensor) -> Any:
    return tensor._keras_history.operation


def _unscaled(span: LearnedRange, tensor: Tensor) -> tuple[LearnedRange, Tensor]:
    """Shifted pixels before they are scaled, as a file has them that folds the scale."""
    scale = float(_maker(tensor).scale)
    return LearnedRange(span.layer, span.low / scale, span.high / scale), tensor / scale


def _stripped(
    model: keras.Model, rounded: bool
) -> tuple[keras.Model, list[tuple[FakeQuantize, Tensor]]]:
    if not has_fake_quantization(model):
        raise InputError(
            f"{getattr(model, 'name', model)!r} is not quantisation-aware. Expected a model made "
            "by kerascnn.quantization.quantize_aware."
        )
    graph = take_apart(model)
    new = Rebuilt(model, graph)
    copies: dict[int, Any] = {}
    weights = []
    probes = []
    for step in graph.steps:
        operation = step.operation
        if isinstance(operation, FakeQuantize):
            source = step.inputs[0]
            new.tensors[step.outputs[0]] = new.tensors[source]
            values = [source, *_joined(graph, source)]
            probes += [(operation, new.tensors[value]) for value in values]
            continue
        if id(operation) not in copies:
            layer, arrays = _plain(operation, rounded)
            copies[id(operation)] = layer
            weights.append((layer, arrays))
        outputs = keras.tree.flatten(new.call(step, copies[id(operation)]))
        new.tensors.update(zip(step.outputs, outputs, strict=True))
    plain = new.model()
    for layer, arrays in weights:
        if arrays:
            layer.set_weights(arrays)
    return plain, probes


def _plain(operation: Any, rounded: bool) -> tuple[Any, list[np.ndarray]]:
    """A layer as it was before `quantize_aware`, and its weights."""
    if isinstance(operation, QuantizedWeights):
        weights = operation.layer.get_weights()
        if rounded:
            weights[0] = keras.ops.convert_to_numpy(operation.rounded_kernel())
        return copy_of(operation.layer), weights
    if isinstance(operation, FoldedBatchNormalization):
        return copy_of(operation.layer), operation.layer.get_weights()
    weights = operation.get_weights() if isinstance(operation, keras.layers.Layer) else []
    return copy_of(operation), weights


def _joined(graph: Graph, value: int) -> list[int]:
    """The tensors that were concatenated to this one and have no grid of their own."""
    if value not in graph.producers:
        return []
    step = graph.steps[graph.producers[value]]
    if not kinds.shares_scale(step.operation):
        return []
    found = []
    for source in step.inputs:
        if source in graph.producers and not _has_grid(graph.steps[graph.producers[source]]):
            found += [source, *_joined(graph, source)]
    return found


def _has_grid(step: Step) -> bool:
    """Whether a step's output is rounded by another layer before it is joined to others."""
    operation = step.operation
    if isinstance(operation, FakeQuantize):
        return True
    return kinds.keeps_grid(operation) or kinds.averages(operation)
