"""What a model costs: parameters and multiply-accumulate operations, layer by layer."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn import arithmetic


@dataclass(frozen=True)
class LayerProfile:
    """One layer of a model.

    Attributes:
        name: The layer's name.
        kind: Its class name.
        output_shape: Without the batch.
        params: All its parameters.
        trainable_params: Those that training changes.
        macs: Multiply-accumulate operations for one image. Convolutions, dense layers and layers
            with a `compute_macs(input_shape)` method count; everything else is 0.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    params: int
    trainable_params: int
    macs: int


def profile(model: keras.Model) -> tuple[LayerProfile, ...]:
    """Profiles every layer of a built model with a known image size; nested models are entered."""
    rows: list[LayerProfile] = []
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if hasattr(layer, "layers") or isinstance(layer, layers.InputLayer):
            continue
        rows.append(
            LayerProfile(
                name=layer.name,
                kind=type(layer).__name__,
                output_shape=_output_shape(layer),
                params=_size(layer.weights),
                trainable_params=_size(layer.trainable_variables),
                macs=_macs(layer),
            )
        )
    return tuple(rows)


def trainable_parameters(model: keras.Model) -> int:
    """Number of trainable parameters of a model."""
    return _size(model.trainable_variables)


def macs(model: keras.Model) -> int:
    """Multiply-accumulate operations of one image through a model."""
    return sum(row.macs for row in profile(model))


def _size(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _output_shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    output = layer.output
    if isinstance(output, (list, tuple)):
        output = output[0]
    return tuple(output.shape[1:])


def _macs(layer: keras.layers.Layer) -> int:
    custom = getattr(layer, "compute_macs", None)
    if custom is not None:
        return custom(tuple(layer.input.shape))
    if isinstance(layer, layers.Dense):
        positions = math.prod(_output_shape(layer)[:-1])
        return positions * arithmetic.dense_parameters(
            layer.input.shape[-1], layer.units, bias=False
        )
    if isinstance(layer, layers.DepthwiseConv2D):
        height, width, channels = _output_shape(layer)
        return height * width * channels * math.prod(layer.kernel_size)
    if isinstance(layer, layers.Conv2D):
        height, width, _ = _output_shape(layer)
        return arithmetic.conv_macs(
            layer.kernel_size,
            layer.input.shape[-1],
            layer.filters,
            (height, width),
            layer.groups,
        )
    return 0
