"""Sizes, parameters, operations and receptive fields, from numbers alone. Standard library only.

The formulas are those of Dumoulin and Visin, A guide to convolution arithmetic for deep learning
(arXiv:1603.07285): a window of size F, applied every S positions to an input of size W padded by P
on both sides, gives floor((W + 2P - F) / S) + 1 positions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from kerascnn.errors import InputError


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise InputError(f"`{name}` must be at least 1. Received: {value}.")


def effective_size(window: int, dilation: int = 1) -> int:
    """Extent of a window of `window` taps with `dilation - 1` gaps between neighbours."""
    _check_positive(window=window, dilation=dilation)
    return dilation * (window - 1) + 1


def output_size(
    size: int, window: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Positions along one axis of a convolution or a pooling.

    Args:
        size: Input size.
        window: Filter size F.
        stride: Step S.
        padding: Zeros added on EACH side, P.
        dilation: Distance between neighbouring taps.

    Raises:
        InputError: The window does not fit into the padded input, or a value is out of range.
    """
    _check_positive(size=size, window=window, stride=stride, dilation=dilation)
    if padding < 0:
        raise InputError(f"`padding` must be at least 0. Received: {padding}.")
    room = size + 2 * padding - effective_size(window, dilation)
    if room < 0:
        raise InputError(
            f"a window of {effective_size(window, dilation)} does not fit into an input of {size} "
            f"padded by {padding} on each side."
        )
    return room // stride + 1


def same_padding(size: int, window: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after an axis that `padding="same"` of Keras adds.

    The output has ceil(size / stride) positions. Where their number is odd, the end gets one more.
    """
    _check_positive(size=size, window=window, stride=stride, dilation=dilation)
    positions = math.ceil(size / stride)
    zeros = max((positions - 1) * stride + effective_size(window, dilation) - size, 0)
    return zeros // 2, zeros - zeros // 2


def transposed_output_size(
    size: int,
    window: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Size along one axis after a transposed convolution: the inverse of `output_size`.

    Args:
        size: Input size.
        window: Filter size F.
        stride: Step S of the convolution that is turned round; it spreads the inputs out.
        padding: P of that convolution: positions taken off on each side.
        output_padding: Positions added at the end, 0..S - 1: with a step, several sizes lead to
            the same one, and this says to which of them to return.
        dilation: Distance between neighbouring taps.

    Raises:
        InputError: A value out of range, or nothing left of the output.
    """
    _check_positive(size=size, window=window, stride=stride, dilation=dilation)
    if padding < 0:
        raise InputError(f"`padding` must be at least 0. Received: {padding}.")
    if not 0 <= output_padding < stride:
        raise InputError(
            f"`output_padding` must be in [0, stride). Received: {output_padding}, stride {stride}."
        )
    whole = (size - 1) * stride + effective_size(window, dilation) + output_padding
    if whole <= 2 * padding:
        raise InputError(
            f"`padding` takes off all {whole} positions of the output. Received: {padding}."
        )
    return whole - 2 * padding


def conv_parameters(
    window: tuple[int, int], inputs: int, filters: int, groups: int = 1, bias: bool = True
) -> int:
    """Trainable parameters of a 2-D convolution from `inputs` to `filters` channels."""
    _check_positive(inputs=inputs, filters=filters, groups=groups)
    if inputs % groups or filters % groups:
        raise InputError(
            f"`groups` must divide inputs and filters. Received: {groups}, {inputs}, {filters}."
        )
    return window[0] * window[1] * (inputs // groups) * filters + (filters if bias else 0)


def conv_macs(
    window: tuple[int, int], inputs: int, filters: int, output: tuple[int, int], groups: int = 1
) -> int:
    """Multiply-accumulate operations of a 2-D convolution with an `output` of (height, width)."""
    weights = conv_parameters(window, inputs, filters, groups, bias=False)
    return weights * output[0] * output[1]


def transposed_conv_macs(
    window: tuple[int, int], inputs: int, filters: int, size: tuple[int, int], groups: int = 1
) -> int:
    """Multiply-accumulate operations of a transposed convolution of an input of (height, width).

    Each input is spread over one window; products that `padding` takes off are counted.
    """
    return conv_macs(window, inputs, filters, size, groups)


def memory_bytes(shape: Iterable[int], bits: int = 32) -> int:
    """Bytes that an array takes, whole bytes: an image, a layer's output, its weights."""
    sides = tuple(shape)
    _check_positive(bits=bits, **{f"shape[{axis}]": side for axis, side in enumerate(sides)})
    return math.ceil(math.prod(sides) * bits / 8)


def dense_parameters(inputs: int, units: int, bias: bool = True) -> int:
    """Trainable parameters of a fully connected layer."""
    _check_positive(inputs=inputs, units=units)
    return inputs * units + (units if bias else 0)


@dataclass(frozen=True)
class DenseComparison:
    """A convolutional layer beside a fully connected one, for one image.

    Attributes:
        conv_parameters: Of the convolution: they do not grow with the image.
        dense_parameters: Of the fully connected layer.
        conv_macs: Multiply-accumulate operations of the convolution.
        dense_macs: Of the fully connected layer: one for each weight.
        outputs: Values the convolution gives, (height, width, filters).
    """

    conv_parameters: int
    dense_parameters: int
    conv_macs: int
    dense_macs: int
    outputs: tuple[int, int, int]

    @property
    def parameter_ratio(self) -> float:
        """How many times as many parameters the fully connected layer has."""
        return self.dense_parameters / self.conv_parameters


def compare_with_dense(
    image: tuple[int, int, int],
    filters: int,
    window: tuple[int, int] = (3, 3),
    stride: int = 1,
    padding: int = 0,
    units: int | None = None,
    bias: bool = True,
) -> DenseComparison:
    """Compares a convolution with a fully connected layer on the same image.

    Args:
        image: Height, width and channels.
        filters: Output channels of the convolution.
        window: Height and width of its filters.
        stride: Its step.
        padding: Zeros on each side.
        units: Outputs of the fully connected layer; as many as the convolution has if None.
        bias: Whether both have biases.

    Raises:
        InputError: A window that does not fit, or a value out of range.
    """
    height, width, channels = image
    rows = output_size(height, window[0], stride, padding)
    columns = output_size(width, window[1], stride, padding)
    inputs = height * width * channels
    units = rows * columns * filters if units is None else units
    return DenseComparison(
        conv_parameters=conv_parameters(window, channels, filters, bias=bias),
        dense_parameters=dense_parameters(inputs, units, bias),
        conv_macs=conv_macs(window, channels, filters, (rows, columns)),
        dense_macs=dense_parameters(inputs, units, bias=False),
        outputs=(rows, columns, filters),
    )


@dataclass(frozen=True)
class Window:
    """One layer of a chain, along one axis: filter size, step, padding on each side, dilation."""

    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True)
class ReceptiveField:
    """What one unit of a layer sees of the input, along one axis.

    Attributes:
        size: Input positions it depends on.
        jump: Input positions between two neighbouring units; a fraction where units lie closer
            than pixels, after upsampling.
        start: Input position, from 0, of the centre of the first unit's field.
    """

    size: int = 1
    jump: float = 1
    start: float = 0.0


def chain_sizes(size: int, chain: Iterable[Window]) -> tuple[int, ...]:
    """Size along one axis after each layer of a chain.

    Raises:
        InputError: A window that no longer fits, or a value out of range.
    """
    sizes = []
    for window in chain:
        size = output_size(size, window.size, window.stride, window.padding, window.dilation)
        sizes.append(size)
    return tuple(sizes)


def receptive_field(chain: Iterable[Window], field: ReceptiveField | None = None) -> ReceptiveField:
    """Receptive field after a chain of windows, starting from `field` (a single pixel)."""
    field = field or ReceptiveField()
    for window in chain:
        extent = effective_size(window.size, window.dilation)
        field = ReceptiveField(
            size=math.ceil(field.size + (extent - 1) * field.jump),
            jump=field.jump * window.stride,
            start=field.start + ((extent - 1) / 2 - window.padding) * field.jump,
        )
    return field


def transposed_receptive_field(field: ReceptiveField, window: Window) -> ReceptiveField:
    """Receptive field after a transposed convolution of `window` on units that see `field`.

    Its step spreads the inputs out, so that a unit meets ceil(size / step) of them at most.
    """
    _check_positive(size=window.size, stride=window.stride)
    extent = effective_size(window.size, window.dilation)
    met = math.ceil(extent / window.stride)
    jump = field.jump / window.stride
    return ReceptiveField(
        size=math.ceil(field.size + (met - 1) * field.jump),
        jump=int(jump) if jump == int(jump) else jump,
        start=field.start - ((extent - 1) / 2 - window.padding) * jump,
    )
