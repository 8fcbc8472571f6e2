"""EfficientNet: one small network, and one rule that scales depth, width and resolution together.

Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019,
arXiv:1905.11946, table 1 and section 3.3. `lite` builds the authors' form for devices (2020): see
`efficientnet_lite`.

With `style="keras"` EfficientNet is the network of keras.applications, with `style="torch"`
torchvision's. Both take pixels standardised by ImageNet's mean and deviation. keras.applications
divides by the root of the deviation instead, and with `weights="imagenet"` once more by it, which
is right again. So published weights give its results here, and a model trained from nothing gets
the pixels that the paper's code gives.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import keras

from kerascnn.errors import InputError, received
from kerascnn.layers.stochastic_depth import linear_rates
from kerascnn.models._blocks import Norm, global_average_head
from kerascnn.models._common import (
    IMAGENET,
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
from kerascnn.models.compound_scaling import SCALINGS, Scaling, compound_scaling
from kerascnn.models.mobilenet_v2 import (
    Details,
    end_of_stage,
    fan_out,
    inverted_residual,
    make_divisible,
    wide,
)
from kerascnn.models.mobilenet_v3 import squeeze_excite


@dataclass(frozen=True)
class Row:
    """A stage of table 1. `name` is its resolution and a letter."""

    name: str
    expansion: int
    window: int
    filters: int
    repeats: int
    stride: int


ROWS = (
    Row("stage1a", 1, 3, 16, 1, 1),
    Row("stage2a", 6, 3, 24, 2, 2),
    Row("stage3a", 6, 5, 40, 2, 2),
    Row("stage4a", 6, 3, 80, 3, 2),
    Row("stage4b", 6, 5, 112, 3, 1),
    Row("stage5a", 6, 5, 192, 4, 2),
    Row("stage5b", 6, 3, 320, 1, 1),
)


def details(style: str, kind: NormKind | None, *, lite: bool, width: float) -> Details:
    """Those of keras.applications, torchvision or timm. On 0.9, see `mobilenet_v2.details`."""
    if style == "keras":
        lite_pixels = Preprocessing(1 / 128, -127 / 128)
        return Details("same", lite_pixels if lite else IMAGENET, Norm(kind, 1e-3, 0.9))
    # torchvision: B5 to B7 keep what the authors' code has.
    norm = Norm(kind, 1e-3, 0.99) if width > 1.5 else Norm(kind, 1e-5, 0.9)
    return Details("symmetric", IMAGENET, norm)


class EfficientNetOptions(ModelOptions, total=False):
    """Adds the rate of stochastic depth, the library whose details are followed, normalisation.

    Attributes:
        drop_connect_rate: Rate of stochastic depth towards the last block, in [0, 1).
        style: "keras" or "torch": whose details; None follows the weights.
        norm: "batch", "group", "layer" or None.
    """

    drop_connect_rate: float
    style: Literal["keras", "torch"] | None
    norm: NormKind | None


class ScaledOptions(EfficientNetOptions, total=False):
    """Adds what the published networks fix.

    Attributes:
        scaling: Width, depth and resolution: of `compound_scaling`, or one's own.
        lite: Build the form for devices.
    """

    scaling: Scaling
    lite: bool


# timm's `tf_` weights are the authors'.
STYLES = Styles(keras_marks=("timm/tf_", "tf_efficientnet"))
OPTIONS = {"drop_connect_rate": 0.2, "style": None, "norm": "batch"}


def efficientnet(
    scaling: Scaling, lite: bool, include_top: bool, options: EfficientNetOptions
) -> keras.Model:
    """Builds a network of the given size, or its form for devices."""
    rate = options["drop_connect_rate"]
    like = details(str(options["style"]), options["norm"], lite=lite, width=scaling.width)
    activation = "relu6" if lite else "silu"
    common: dict[str, Any] = {"norm": like.norm, "activation": activation, "padding": like.padding}

    def width(filters: int) -> int:
        return make_divisible(filters * scaling.width)

    def repeats(row: Row) -> int:
        fixed = lite and row in (ROWS[0], ROWS[-1])
        return row.repeats if fixed else math.ceil(row.repeats * scaling.depth)

    def attention(squeezed: int, x: Tensor, name: str) -> Tensor:
        options = {"activation": activation, "gate": "sigmoid", "kernel_initializer": fan_out()}
        return squeeze_excite(x, squeezed, name=name, **options)

    def backbone(x: Tensor) -> Tensor:
        x = wide(x, 32 if lite else width(32), 3, 2, name="stem", **common)
        rates = iter(linear_rates(rate, sum(map(repeats, ROWS)), reached=False))
        for row in ROWS:
            if row.stride == 2:
                x = end_of_stage(x, int(row.name[5]) - 1)
            for number in range(repeats(row)):
                squeezed = max(1, x.shape[-1] // 4)
                x = inverted_residual(
                    x,
                    width(row.filters),
                    row.expansion * x.shape[-1],
                    row.window,
                    row.stride if number == 0 else 1,
                    name=f"{row.name}_{number}",
                    attention=None if lite else functools.partial(attention, squeezed),
                    drop_rate=next(rates),
                    **common,
                )
        x = wide(x, 1280 if lite else width(1280), 1, name="top", **common)
        return end_of_stage(x, 5)

    return build(
        backbone,
        lambda x: predictions(global_average_head(x), with_dropout(options, scaling.dropout)),
        default_shape=(scaling.resolution, scaling.resolution, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=like.preprocessing,
        include_top=include_top,
        options=options,
    )


@variant(styles=STYLES, scaling=compound_scaling(0), lite=False, **OPTIONS)
def EfficientNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ScaledOptions]
) -> keras.Model:
    """An EfficientNet of any size: `EfficientNet(scaling=compound_scaling(1.5))`.

    Takes raw images of the scaling's resolution, or any size from 32.

    Args:
        include_top: Build average pooling, dropout and the output.
        weights: None, or a weight file.
        **options: See `ScaledOptions`.
    """
    scaling = options["scaling"]
    if not isinstance(scaling, Scaling):
        raise InputError(
            "`scaling` must be what compound_scaling(phi) returns, or a Scaling. "
            f"Received: {received(scaling)}."
        )
    return efficientnet(scaling, options["lite"], include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB0(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B0: 224x224 pixels, 5.3 M parameters, 0.39 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB0"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB1(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B1: 240x240 pixels, 7.8 M parameters, 0.69 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB1"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B2: 260x260 pixels, 9.1 M parameters, 0.99 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB2"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB3(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B3: 300x300 pixels, 12.2 M parameters, 1.83 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB3"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB4(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B4: 380x380 pixels, 19.3 M parameters, 4.4 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB4"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB5(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B5: 456x456 pixels, 30.4 M parameters, 10.3 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB5"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB6(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B6: 528x528 pixels, 43.0 M parameters, 19.1 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB6"], False, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetB7(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-B7: 600x600 pixels, 66.3 M parameters, 37.7 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetB7"], False, include_top, options)
