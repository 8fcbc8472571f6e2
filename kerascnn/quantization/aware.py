"""Quantisation-aware training: a model that computes as its int8 file will, and can be trained.

Jacob et al. 2018 (arXiv:1712.05877) and Krishnamoorthi 2018 (arXiv:1806.08342). Where rounding
stands follows the file: after a convolution or dense layer with its batch normalisation and ReLU,
after each addition, and so on. Concatenated maps share one grid, pooled maps keep theirs.
"""

from typing import Any

import keras
import numpy as np

from kerascnn.copying import copy_of
from kerascnn.errors import InputError
from kerascnn.quantization import kinds
from kerascnn.quantization.correction import correct_means
from kerascnn.quantization.graph import Graph, Rebuilt, Step, take_apart
from kerascnn.quantization.layers import (
    FakeQuantize,
    FoldedBatchNormalization,
    QuantizedWeights,
    has_rounded_weights,
)
from kerascnn.quantization.placement import Placement
from kerascnn.quantization.ranges import observe

Tensor = Any


def quantize_aware(
    model: keras.Model, samples: np.ndarray | None = None, *, momentum: float = 0.99
) -> keras.Model:
    """A copy of `model` that rounds weights and activations as its int8 file will.

    Train it with `fit` at a small learning rate, a tenth of the first one or less; `evaluate` then
    tells the accuracy of the file. It is an ordinary functional model: saving, loading, callbacks
    and metrics work as always. `kerascnn.export.export_tflite(model, path, "int8", samples)`
    writes the file with the ranges learned here.

    The weights are copied, the model given stays as it is. Layers keep their names; nested models
    are taken apart. Convolutions and dense layers are rounded with one scale per output channel,
    activations with one scale per tensor. Layers with weights of another kind compute in floating
    point, and their outputs are rounded.

    Args:
        model: Any functional or Sequential model, trained as a rule.
        samples: Inputs such as it is trained on, [n, ...]; the ranges of the activations start
            from them, and biases (or the means of a batch normalisation) take up the mean error of
            the rounded weights. Without, no activation is rounded before the first batch.
        momentum: Of the moving averages of the ranges, in [0, 1).

    Returns:
        The new model, not compiled.

    Raises:
        InputError: The model has no graph of layers, a layer cannot be copied, or the model is
            quantisation-aware already.
    """
    graph = take_apart(model)
    if any(isinstance(step.operation, FakeQuantize) for step in graph.steps):
        raise InputError(
            f"{model.name!r} is quantisation-aware already. Train it on as it is, or take the "
            "rounding out first: kerascnn.quantization.strip(model)."
        )
    aware = _Builder(model, graph, momentum).build()
    if samples is not None:
        observe(aware, samples)
        correct_means(aware, samples)
    return aware


def has_fake_quantization(model: Any) -> bool:
    """Whether `model` came out of `quantize_aware`."""
    return isinstance(model, keras.Model) and any(
        isinstance(layer, FakeQuantize) for layer in model.layers
    )


class _Builder:
    """Puts rounding between the steps of one model."""

    def __init__(self, model: keras.Model, graph: Graph, momentum: float):
        self._graph, self._momentum = graph, momentum
        self._place = Placement(graph)
        self._new = Rebuilt(model, graph)
        self._copies: dict[int, list[Any]] = {}
        self._weights: list[tuple[Any, list[np.ndarray]]] = []
        self._quantizers: dict[int, FakeQuantize] = {}  # of each grid
        self._exact: dict[int, Tensor] = {}  # what an output was before it was rounded

    def build(self) -> keras.Model:
        for step in self._graph.steps:
            outputs = keras.tree.flatten(self._compute(step))
            for value, tensor in zip(step.outputs, outputs, strict=True):
                self._exact[value] = tensor
                self._new.tensors[value] = self._rounded(step, value, tensor)
        model = self._new.model()
        for layer, weights in self._weights:
            layer.set_weights(weights)
        return model

    def _compute(self, step: Step) -> Any:
        """Calls the new layers of a step."""
        layers = self._layers(step)
        tensors = None
        if kinds.shares_scale(step.operation):
            shares = [self._place.shares_grid(value, step.outputs[0]) for value in step.inputs]
            tensors = [
                self._exact[value] if shared else self._new.tensors[value]
                for value, shared in zip(step.inputs, shares, strict=True)
            ]
        outputs = self._new.call(step, layers[0], tensors)
        for layer in layers[1:]:
            outputs = layer(outputs)
        return outputs

    def _rounded(self, step: Step, value: int, tensor: Tensor) -> Tensor:
        """An output as those see it who take it from here."""
        if not keras.backend.is_float_dtype(tensor.dtype):
            return tensor
        if not self._place.is_rounded(step, value):
            return tensor
        grid = self._place.grids[value]
        if grid not in self._quantizers:
            owner = self._place.producer(grid) or step
            fixed = self._place.fixed_range(step)
            self._quantizers[grid] = self._quantizer(owner.operation.name, fixed)
        return self._quantizers[grid](tensor, observe=self._place.learns(step, value))

    def _layers(self, step: Step) -> list[Any]:
        """The layers that stand for one of the old model; the same ones each time it is called."""
        operation = step.operation
        if id(operation) not in self._copies:
            if kinds.kind(operation) == "SeparableConv2D":
                layers = self._separable(operation)
            elif has_rounded_weights(operation):
                layers = self._with_weights(operation)
            else:
                layers = [self._plain(step)]
            self._copies[id(operation)] = layers
        return self._copies[id(operation)]

    def _plain(self, step: Step) -> Any:
        operation = step.operation
        name = self._new.free_name(operation.name)
        copy = copy_of(operation, name)
        if getattr(operation, "weights", None):
            self._weights.append((copy, operation.get_weights()))
        if isinstance(operation, keras.layers.BatchNormalization) and self._place.folds(step):
            return FoldedBatchNormalization(copy, name=name, dtype=copy.dtype_policy)
        return copy

    def _with_weights(self, operation: Any) -> list[Any]:
        name = self._new.free_name(operation.name)
        copy = copy_of(operation, name, activation=None)
        self._weights.append((copy, operation.get_weights()))
        rounded = QuantizedWeights(copy, name=name, dtype=copy.dtype_policy)
        return [rounded, *self._activation(operation, name)]

    def _activation(self, operation: Any, name: str) -> list[Any]:
        """The activation inside a layer, as layers of their own."""
        if operation.activation in (None, keras.activations.linear):
            return []
        kind = getattr(operation.activation, "__name__", "activation")
        layer = keras.layers.Activation(
            operation.activation,
            name=self._new.free_name(f"{name}_{kind}"),
            dtype=operation.dtype_policy,
        )
        return [layer] if kinds.is_relu(layer) else [self._quantizer(name), layer]

    def _separable(self, operation: Any) -> list[Any]:
        """A depthwise convolution and a pointwise one: two operators in the file."""
        name = self._new.free_name(operation.name)
        inner = self._new.free_name(f"{name}_depthwise")
        shared = {"dtype": operation.dtype_policy, "trainable": operation.trainable}
        depthwise = keras.layers.DepthwiseConv2D(
            operation.kernel_size,
            strides=operation.strides,
            padding=operation.padding,
            data_format=operation.data_format,
            dilation_rate=operation.dilation_rate,
            depth_multiplier=operation.depth_multiplier,
            depthwise_regularizer=operation.depthwise_regularizer,
            depthwise_constraint=operation.depthwise_constraint,
            use_bias=False,
            name=inner,
            **shared,
        )
        pointwise = keras.layers.Conv2D(
            operation.filters,
            1,
            data_format=operation.data_format,
            use_bias=operation.use_bias,
            kernel_regularizer=operation.pointwise_regularizer,
            kernel_constraint=operation.pointwise_constraint,
            bias_regularizer=operation.bias_regularizer,
            bias_constraint=operation.bias_constraint,
            name=name,
            **shared,
        )
        first, *rest = operation.get_weights()
        self._weights += [(depthwise, [first]), (pointwise, rest)]
        return [
            QuantizedWeights(depthwise, name=inner, dtype=operation.dtype_policy),
            self._quantizer(inner),
            QuantizedWeights(pointwise, name=name, dtype=operation.dtype_policy),
            *self._activation(operation, name),
        ]

    def _quantizer(self, name: str, fixed: tuple[float, float] | None = None) -> FakeQuantize:
        return FakeQuantize(
            momentum=self._momentum, fixed=fixed, name=self._new.free_name(f"{name}_quantize")
        )
