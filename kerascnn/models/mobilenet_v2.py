"""MobileNetV2: inverted residuals with linear bottlenecks.

Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR
2018, arXiv:1801.04381, table 2. With `style="keras"` this is the network of keras.applications
(uneven padding, pixels in -1..1), with `style="torch"` torchvision's. `stage5` is the wide last
convolution, the other stages end with the bottleneck of their last block.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import keras
from keras import layers

from kerascnn.layers import StochasticDepth
from kerascnn.models._blocks import Norm, Padding, conv_norm, depthwise_norm, global_average_head
from kerascnn.models._common import (
    IMAGENET,
    SIGNED,
    ModelOptions,
    NormKind,
    Preprocessing,
    Styles,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
    with_dropout,
)


@dataclass(frozen=True)
class Row:
    """A row of table 2: `repeats` blocks, of which the first has the stride.

    Attributes:
        expansion: Channels inside a block, as a multiple of those that enter it.
        filters: Channels that leave a block.
        repeats: Number of blocks.
        stride: Step of the first block.
    """

    expansion: int
    filters: int
    repeats: int
    stride: int


ROWS = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)


@dataclass(frozen=True)
class Details:
    """In what the libraries' forms of the mobile networks differ besides their tables."""

    padding: Padding
    preprocessing: Preprocessing
    norm: Norm


def details(style: str, kind: NormKind | None) -> Details:
    """Those of MobileNetV2 in keras.applications or torchvision.

    Moving statistics keep 0.9 per step in both, where keras.applications has 0.999 (other families
    0.99): they would follow a training of a few hundred steps so slowly that validation stays at
    chance while the loss falls. Inference with published weights does not depend on it.
    """
    if style == "keras":
        return Details("same", SIGNED, Norm(kind, 1e-3, 0.9))
    return Details("symmetric", IMAGENET, Norm(kind, 1e-5, 0.9))


class MobileNetV2Options(ModelOptions, total=False):
    """Adds the width, the library whose details are followed, and the normalisation.

    Attributes:
        alpha: Multiplies the channels; above 0.
        style: "keras" or "torch": whose details; None follows the weights.
        norm: "batch", "group", "layer" or None.
    """

    alpha: float
    style: Literal["keras", "torch"] | None
    norm: NormKind | None


@variant(styles=Styles(), alpha=1.0, style=None, norm="batch")
def MobileNetV2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[MobileNetV2Options]
) -> keras.Model:
    """MobileNetV2: 3.5 M parameters and 0.30 G multiply-accumulates at alpha 1.

    Takes raw images (batch, 224, 224, 3), or any size from 32.

    Args:
        include_top: Build average pooling, dropout (0.2) and the output.
        weights: None, the tag of published weights, or a weight file.
        **options: See `MobileNetV2Options`.
    """
    alpha, style = options["alpha"], str(options["style"])
    like = details(style, options["norm"])
    common: dict[str, Any] = {"norm": like.norm, "activation": "relu6", "padding": like.padding}

    def width(filters: int) -> int:
        return make_divisible(int(filters * alpha) if style == "keras" else filters * alpha)

    def backbone(x: Tensor) -> Tensor:
        x = wide(x, make_divisible(32 * alpha), 3, 2, name="stem", **common)
        level, number = 1, 0
        for row in ROWS:
            for step in range(row.repeats):
                stride = row.stride if step == 0 else 1
                if stride == 2:
                    x, level = end_of_stage(x, level), level + 1
                x = inverted_residual(
                    x,
                    width(row.filters),
                    row.expansion * x.shape[-1],
                    stride=stride,
                    name=f"stage{level}_{number}",
                    **common,
                )
                number += 1
        x = wide(x, make_divisible(1280 * max(1.0, alpha)), 1, name="top", **common)
        return end_of_stage(x, level)

    return build(
        backbone,
        lambda x: predictions(global_average_head(x), with_dropout(options, 0.2)),
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=like.preprocessing,
        include_top=include_top,
        options=options,
    )


def inverted_residual(
    x: Tensor,
    filters: int,
    expanded: int,
    window: int = 3,
    stride: int = 1,
    *,
    name: str,
    norm: Norm,
    activation: str,
    padding: Padding,
    attention: Callable[[Tensor, str], Tensor] | None = None,
    drop_rate: float = 0.0,
) -> Tensor:
    """Expand with 1x1, filter each channel, project with 1x1 and no activation; add the input.

    The input is added where the shapes allow it. Layers: `NAME_expand_*` (none if `expanded` is
    the number of input channels), `NAME_dw_*`, `NAME_project_*`, `NAME_drop`, `NAME_add`.

    Args:
        filters: Channels of the result.
        expanded: Channels between.
        window: Side of the depthwise window.
        stride: Its step.
        attention: Applied to the filtered channels, with the block's name.
        drop_rate: Of stochastic depth.
    """
    shortcut = x
    if expanded != x.shape[-1]:
        x = wide(x, expanded, 1, name=f"{name}_expand", norm=norm, activation=activation)
    x = depthwise_norm(
        x,
        window,
        stride,
        name=f"{name}_dw",
        norm=norm,
        activation=activation,
        padding=padding,
        depthwise_initializer=fan_out(),
    )
    if attention is not None:
        x = attention(x, name)
    x = wide(x, filters, 1, name=f"{name}_project", norm=norm, activation=None)
    if stride > 1 or shortcut.shape[-1] != filters:
        return x
    if drop_rate:
        x = StochasticDepth(drop_rate, name=f"{name}_drop")(x)
    return layers.Add(name=f"{name}_add")([shortcut, x])


def wide(x: Tensor, filters: int, window: int, stride: int = 1, **options: Any) -> Tensor:
    """`conv_norm` with the initial weights of `fan_out`."""
    return conv_norm(x, filters, window, stride, kernel_initializer=fan_out(), **options)


def fan_out() -> keras.initializers.Initializer:
    """Normal with variance 2 / fan-out, as in the authors' code.

    Keras's default counts all channels as inputs of a depthwise kernel, each of which sees one:
    its outputs are then so small that the epsilon of the normalisation after it outweighs them.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def end_of_stage(x: Tensor, level: int) -> Tensor:
    """Names feature maps `stage{level}`, at no cost."""
    return layers.Activation("linear", name=f"stage{level}")(x)


def make_divisible(channels: float) -> int:
    """The nearest multiple of 8 that is at least 8 and not more than 10 % below `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
