"""What a model costs and sees, layer by layer: parameters, operations, memory, receptive field."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn import arithmetic
from kerascnn.arithmetic import ReceptiveField, Window
from kerascnn.errors import InputError

Shape = tuple[int, ...]
# Of one unit, along height and width.
Field = tuple[ReceptiveField, ReceptiveField]


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
        receptive_field: Side of the square of input pixels that one unit depends on, the larger of
            height and width. Where branches meet it is that of the branch that sees most; gates of
            one value per channel (squeeze-and-excite), which see the whole image, are left out. It
            may exceed the image, whose border is then padding.
        jump: Input pixels between neighbouring units.
        activation_bytes: Memory of its outputs for one image.
    """

    name: str
    kind: str
    output_shape: Shape
    params: int
    trainable_params: int
    macs: int
    receptive_field: int
    jump: float
    activation_bytes: int


def profile(model: keras.Model) -> tuple[LayerProfile, ...]:
    """Profiles every layer of a functional model with a known image size; nested ones are entered.

    Layers that are called several times have one row; their operations and outputs add up.

    Raises:
        InputError: Not a functional model, or one that takes images of any size.
    """
    start = (ReceptiveField(), ReceptiveField())
    rows: dict[int, LayerProfile] = {}
    fields: dict[int, Field] = {}
    model = _functional(model)
    for tensor in model.inputs:
        fields[id(tensor)] = start
    for node in _calls(model, fields):
        layer = node.operation
        if not isinstance(layer, keras.Layer) or isinstance(layer, layers.InputLayer):
            continue
        row = _row(layer, node, fields[id(node.outputs[0])])
        seen = rows.get(id(layer))
        rows[id(layer)] = row if seen is None else _joined(seen, row)
    return tuple(rows.values())


def trainable_parameters(model: keras.Model) -> int:
    """Number of trainable parameters of a model."""
    return _size(model.trainable_variables)


def macs(model: keras.Model) -> int:
    """Multiply-accumulate operations of one image through a model."""
    return sum(row.macs for row in profile(model))


def _size(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _functional(model: Any) -> Any:
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise InputError(
            f"only functional and sequential models can be profiled. Received: {model.name!r}, a "
            f"{type(model).__name__}."
        )
    return graph


def _calls(model: Any, fields: dict[int, Field]) -> Iterator[Any]:
    """Yields every call of a layer or operation, inputs first, and fills in the fields."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            inputs = node.arguments.keras_tensors
            if not inputs:
                continue
            inner = getattr(node.operation, "_functional", None) or node.operation
            if hasattr(inner, "_nodes_by_depth"):
                for inside, outside in zip(inner.inputs, inputs, strict=True):
                    fields[id(inside)] = fields[id(outside)]
                yield from _calls(inner, fields)
                for inside, outside in zip(inner.outputs, node.outputs, strict=True):
                    fields[id(outside)] = fields[id(inside)]
                continue
            field = _field(node.operation, inputs, _shape(node.outputs[0]), fields)
            for output in node.outputs:
                fields[id(output)] = field
            yield node


def _row(layer: keras.Layer, node: Any, field: Field) -> LayerProfile:
    output = _shape(node.outputs[0])
    if any(size is None for size in output):
        raise InputError(
            f"the layer {layer.name!r} gives {output}: a profile needs a known image size. Build "
            "the model with input_shape=(height, width, channels)."
        )
    return LayerProfile(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=output,
        params=_size(layer.weights),
        trainable_params=_size(layer.trainable_variables),
        macs=_macs(layer, tuple(node.arguments.keras_tensors[0].shape), output),
        receptive_field=max(axis.size for axis in field),
        jump=max(axis.jump for axis in field),
        activation_bytes=sum(math.prod(t.shape[1:]) * _item_bytes(t.dtype) for t in node.outputs),
    )


def _joined(first: LayerProfile, second: LayerProfile) -> LayerProfile:
    return LayerProfile(
        name=first.name,
        kind=first.kind,
        output_shape=second.output_shape,
        params=first.params,
        trainable_params=first.trainable_params,
        macs=first.macs + second.macs,
        receptive_field=max(first.receptive_field, second.receptive_field),
        jump=max(first.jump, second.jump),
        activation_bytes=first.activation_bytes + second.activation_bytes,
    )


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _item_bytes(dtype: str) -> int:
    bits = re.search(r"\d+$", str(dtype))
    return int(bits.group()) // 8 if bits else 1


def _macs(layer: keras.Layer, taken: Shape, output: Shape) -> int:
    """Of one call; `taken` is the input's shape with the batch, `output` without it."""
    custom = getattr(layer, "compute_macs", None)
    if custom is not None:
        return custom(taken)
    channels = taken[-1]
    if isinstance(layer, layers.Dense):
        positions = math.prod(output[:-1])
        return positions * arithmetic.dense_parameters(channels, layer.units, bias=False)
    if isinstance(layer, layers.DepthwiseConv2D):
        return math.prod(output) * math.prod(layer.kernel_size)
    if isinstance(layer, layers.SeparableConv2D):
        spread = channels * layer.depth_multiplier
        positions = math.prod(output[:2])
        return positions * spread * (math.prod(layer.kernel_size) + layer.filters)
    if isinstance(layer, layers.Conv2DTranspose):  # every input is spread over one window
        _, height, width, _ = taken
        return arithmetic.conv_macs(layer.kernel_size, channels, layer.filters, (height, width))
    if isinstance(layer, layers.Conv2D):
        height, width, filters = output
        return arithmetic.conv_macs(
            layer.kernel_size, channels, filters, (height, width), layer.groups
        )
    return 0


def _field(operation: Any, inputs: list[Any], output: Shape, fields: dict[int, Field]) -> Field:
    """Field of the outputs of one call: of the input that sees most, widened by the window."""
    maps = [t for t in inputs if len(t.shape) == 4 and (t.shape[1], t.shape[2]) != (1, 1)]
    if len(output) == 3 and output[:2] != (1, 1):
        inputs = maps or inputs
    source = max(inputs, key=lambda t: max(axis.size for axis in fields[id(t)]))
    if len(source.shape) != 4:
        return fields[id(source)]
    height, width = (
        _axis(operation, axis, source.shape[axis + 1], output, fields[id(source)][axis])
        for axis in (0, 1)
    )
    return height, width


def _axis(
    operation: Any, axis: int, size: int | None, output: Shape, field: ReceptiveField
) -> ReceptiveField:
    window = _window(operation, axis)
    if window is not None and window.stride > 1 and size == output[axis] != 1:
        window = None  # it slides along the channels
    if isinstance(operation, layers.Conv2DTranspose) and window is not None:
        return arithmetic.transposed_receptive_field(field, window)
    if window is not None:
        return arithmetic.receptive_field([window], field)
    if size is None or isinstance(operation, (layers.ZeroPadding2D, layers.Cropping2D)):
        return field
    if len(output) < 3:  # flattened or averaged: sees what all positions see together
        return arithmetic.receptive_field([Window(size, stride=size)], field)
    result = output[axis]
    if result >= 2 * size:  # repeated or interpolated
        return arithmetic.transposed_receptive_field(field, Window(1, stride=result // size))
    if size >= 2 * result:  # pooled to a given size
        step = size // result
        return arithmetic.receptive_field([Window(size - (result - 1) * step, step)], field)
    return field


def _window(operation: Any, axis: int) -> Window | None:
    """The window that a convolution or pooling slides along an axis; None for other operations."""
    size = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
    if size is None:
        return None
    strides = getattr(operation, "strides", None) or size
    dilation = getattr(operation, "dilation_rate", None) or 1
    side, step, gap = (v if isinstance(v, int) else v[axis] for v in (size, strides, dilation))
    return Window(int(side), int(step), dilation=int(gap))
