"""MobileNetV3: inverted residuals with squeeze-and-excite and the hard swish.

Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244, tables 1 and 2; Hu, Shen,
Sun, Squeeze-and-Excitation Networks, CVPR 2018, arXiv:1709.01507. With `style="keras"` this is the
network of keras.applications (uneven padding, pixels in -1..1), with `style="torch"` torchvision's.
They also scale by `alpha` in different places.
"""

from dataclasses import dataclass
from typing import Any, Literal, Unpack

import keras
from keras import layers

from kerascnn.models._blocks import Norm, activate, global_average_head
from kerascnn.models._common import (
    IMAGENET,
    SIGNED,
    ModelOptions,
    NormKind,
    Styles,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
    with_dropout,
)
from kerascnn.models.mobilenet_v2 import (
    Details,
    end_of_stage,
    inverted_residual,
    make_divisible,
    wide,
)

RE, HS = "relu", "hard_swish"


@dataclass(frozen=True)
class Block:
    """A bottleneck row of the tables.

    Attributes:
        window: Side of the depthwise window.
        expanded: "exp size".
        filters: "#out".
        attention: Squeeze-and-excite ("SE").
        activation: "NL".
        stride: "s".
    """

    window: int
    expanded: int
    filters: int
    attention: bool
    activation: str
    stride: int


@dataclass(frozen=True)
class Spec:
    """One table: the bottlenecks, and the units of the layer before the last."""

    blocks: tuple[Block, ...]
    units: int


LARGE = Spec(
    (
        Block(3, 16, 16, False, RE, 1),
        Block(3, 64, 24, False, RE, 2),
        Block(3, 72, 24, False, RE, 1),
        Block(5, 72, 40, True, RE, 2),
        Block(5, 120, 40, True, RE, 1),
        Block(5, 120, 40, True, RE, 1),
        Block(3, 240, 80, False, HS, 2),
        Block(3, 200, 80, False, HS, 1),
        Block(3, 184, 80, False, HS, 1),
        Block(3, 184, 80, False, HS, 1),
        Block(3, 480, 112, True, HS, 1),
        Block(3, 672, 112, True, HS, 1),
        Block(5, 672, 160, True, HS, 2),
        Block(5, 960, 160, True, HS, 1),
        Block(5, 960, 160, True, HS, 1),
    ),
    1280,
)
SMALL = Spec(
    (
        Block(3, 16, 16, True, RE, 2),
        Block(3, 72, 24, False, RE, 2),
        Block(3, 88, 24, False, RE, 1),
        Block(5, 96, 40, True, HS, 2),
        Block(5, 240, 40, True, HS, 1),
        Block(5, 240, 40, True, HS, 1),
        Block(5, 120, 48, True, HS, 1),
        Block(5, 144, 48, True, HS, 1),
        Block(5, 288, 96, True, HS, 2),
        Block(5, 576, 96, True, HS, 1),
        Block(5, 576, 96, True, HS, 1),
    ),
    1024,
)


class MobileNetV3Options(ModelOptions, total=False):
    """Adds the width, the plain form for simple devices, the details and the normalisation.

    Attributes:
        alpha: Multiplies the channels; above 0.
        minimalistic: Only 3x3 windows, ReLU and no attention, for simple devices.
        style: "keras" or "torch": whose details; None follows the weights.
        norm: "batch", "group", "layer" or None.
    """

    alpha: float
    minimalistic: bool
    style: Literal["keras", "torch"] | None
    norm: NormKind | None


@variant(styles=Styles(), alpha=1.0, minimalistic=False, style=None, norm="batch")
def MobileNetV3Small(
    include_top: bool = True, weights: Weights = None, **options: Unpack[MobileNetV3Options]
) -> keras.Model:
    """MobileNetV3-Small: 2.5 M parameters and 0.06 G multiply-accumulates at alpha 1.

    Takes raw images (batch, 224, 224, 3), or any size from 32.

    Args:
        include_top: Build average pooling, a hidden layer, dropout (0.2) and the output.
        weights: None, the tag of published weights, or a weight file.
        **options: See `MobileNetV3Options`.
    """
    return _mobilenet_v3(SMALL, include_top, options)


@variant(styles=Styles(), alpha=1.0, minimalistic=False, style=None, norm="batch")
def MobileNetV3Large(
    include_top: bool = True, weights: Weights = None, **options: Unpack[MobileNetV3Options]
) -> keras.Model:
    """MobileNetV3-Large: 5.5 M parameters and 0.22 G multiply-accumulates at alpha 1.

    See `MobileNetV3Small` for images and options.
    """
    return _mobilenet_v3(LARGE, include_top, options)


def squeeze_excite(
    x: Tensor, squeezed: int, *, name: str, activation: str, gate: str, **options: Any
) -> Tensor:
    """Weighs the channels by a small network of their averages: layers `NAME_se_*`.

    Of 1x1 convolutions on 1x1 maps, which every device takes as they are.
    """
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_se_pool")(x)
    for part, filters, function in (("reduce", squeezed, activation), ("expand", channels, gate)):
        y = layers.Conv2D(filters, 1, activation=function, name=f"{name}_se_{part}", **options)(y)
    return layers.Multiply(name=f"{name}_se_scale")([x, y])


def details(style: str, kind: NormKind | None) -> Details:
    """Those of keras.applications or torchvision. On 0.9, see `mobilenet_v2.details`."""
    if style == "keras":
        return Details("same", SIGNED, Norm(kind, 1e-3, 0.9))
    return Details("symmetric", IMAGENET, Norm(kind, 1e-3, 0.99))


def _mobilenet_v3(spec: Spec, include_top: bool, options: MobileNetV3Options) -> keras.Model:
    alpha, plain, style = options["alpha"], options["minimalistic"], str(options["style"])
    like = details(style, options["norm"])
    swish = RE if plain else HS

    def width(filters: float) -> int:
        return make_divisible(filters * alpha)

    def attention(x: Tensor, name: str) -> Tensor:
        squeezed = make_divisible(x.shape[-1] / 4)
        return squeeze_excite(x, squeezed, name=name, activation=RE, gate="hard_sigmoid")

    def backbone(x: Tensor) -> Tensor:
        stem = 16 if style == "keras" else width(16)
        common: dict[str, Any] = {"norm": like.norm, "padding": like.padding}
        x = wide(x, stem, 3, 2, name="stem", activation=swish, **common)
        level, before = 1, 16
        for number, block in enumerate(spec.blocks):
            if block.stride == 2:
                x, level = end_of_stage(x, level), level + 1
            expanded = width(block.expanded)
            if style == "keras":
                expanded = make_divisible(x.shape[-1] * (block.expanded / before))
            x = inverted_residual(
                x,
                width(block.filters),
                expanded,
                3 if plain else block.window,
                block.stride,
                name=f"stage{level}_{number}",
                activation=RE if plain else block.activation,
                attention=attention if block.attention and not plain else None,
                **common,
            )
            before = block.filters
        x = wide(x, make_divisible(6 * x.shape[-1]), 1, name="top", activation=swish, **common)
        return end_of_stage(x, level)

    def head(x: Tensor) -> Tensor:
        units = width(spec.units) if style == "torch" or alpha > 1 else spec.units
        x = layers.Dense(units, name="head_dense")(global_average_head(x))
        return predictions(activate(x, swish, "head_act"), with_dropout(options, 0.2))

    return build(
        backbone,
        head,
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=like.preprocessing,
        include_top=include_top,
        options=options,
    )
