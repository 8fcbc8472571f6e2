"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, arXiv:1602.07360, table 1 (version 1.0), and the
authors' version 1.1: fire modules squeeze maps by 1x1 convolutions before 3x3 ones see them.

`style="torch"`, torchvision's, is the authors' network on standardised pixels. `style="keras"` is
that of the package keras-squeezenet, whose weight files end in `.h5`: windows of poolings end
within the maps, and the mean colour is subtracted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.models._blocks import activate
from kerascnn.models._classic import conv_head, conv_relu, max_pool_up
from kerascnn.models._common import (
    CAFFE,
    IMAGENET,
    ModelOptions,
    Styles,
    Tensor,
    Weights,
    build,
    variant,
    with_dropout,
)


@dataclass(frozen=True)
class Spec:
    """A version: its first convolution, and the squeezed widths of the fire modules per stage.

    A module has four times as many 1x1 filters after the squeeze, and as many 3x3 ones.
    """

    filters: int
    window: int
    stages: tuple[tuple[int, ...], ...]


SPECS = {
    "1.0": Spec(96, 7, ((16, 16, 32), (32, 48, 48, 64), (64,))),
    "1.1": Spec(64, 3, ((16, 16), (32, 32), (48, 48, 64, 64))),
}
# Of the last convolution, by the authors' files.
LAST: dict[str, Any] = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}


class SqueezeNetOptions(ModelOptions, total=False):
    """Adds the library whose details are followed.

    Attributes:
        style: "torch" or "keras": whose details; None follows the weights, or else is "torch".
    """

    style: str | None


@variant(styles=Styles("torch"), style=None)
def SqueezeNet1_0(
    include_top: bool = True, weights: Weights = None, **options: Unpack[SqueezeNetOptions]
) -> keras.Model:
    """SqueezeNet of the paper. 1,248,424 parameters.

    Takes raw images (batch, 224, 224, 3), or any other size. `dropout=None` is the paper's 0.5.

    Args:
        include_top: Build the maps of the classes and their average.
        weights: None, the tag of published weights, or a weight file.
        **options: See `SqueezeNetOptions`.
    """
    return _squeezenet(SPECS["1.0"], include_top, options)


@variant(styles=Styles("torch"), style=None)
def SqueezeNet1_1(
    include_top: bool = True, weights: Weights = None, **options: Unpack[SqueezeNetOptions]
) -> keras.Model:
    """SqueezeNet 1.1: as accurate, 2.3 times fewer operations. 1,235,496 parameters.

    Args:
        include_top: Build the maps of the classes and their average.
        weights: None, the tag of published weights, or a weight file.
        **options: See `SqueezeNetOptions`.
    """
    return _squeezenet(SPECS["1.1"], include_top, options)


def _squeezenet(spec: Spec, include_top: bool, options: SqueezeNetOptions) -> keras.Model:
    torch = options["style"] == "torch"
    options = with_dropout(options, 0.5)

    def head(x: Tensor) -> Tensor:
        x = layers.Dropout(options["dropout"], name="dropout")(x)
        return conv_head(options, kernel_initializer=LAST)(x)

    return build(
        _backbone(spec, max_pool_up if torch else _max_pool_within),
        head,
        default_shape=(224, 224, 3),
        min_size=35,
        fixed_size=False,
        preprocessing=IMAGENET if torch else CAFFE,
        include_top=include_top,
        options=options,
    )


def _max_pool_within(x: Tensor, name: str) -> Tensor:
    return layers.MaxPooling2D(3, 2, name=name)(x)


def _backbone(spec: Spec, pool: Callable[[Tensor, str], Tensor]) -> Callable[[Tensor], Tensor]:
    def backbone(x: Tensor) -> Tensor:
        x = conv_relu(x, spec.filters, spec.window, 2, name="stem", border=0, last="stage1")
        number = 1
        for level, stage in enumerate(spec.stages, start=2):
            x = pool(x, f"pool{level - 1}")
            for place, width in enumerate(stage, start=1):
                number += 1
                last = f"stage{level}" if place == len(stage) else None
                x = fire(x, width, f"fire{number}", last)
        return x

    return backbone


def fire(x: Tensor, squeezed: int, name: str, last: str | None = None) -> Tensor:
    """A fire module: `squeezed` maps, then four times as many by 1x1 and by 3x3 windows."""
    x = conv_relu(x, squeezed, 1, name=f"{name}_squeeze")
    one = layers.Conv2D(4 * squeezed, 1, name=f"{name}_expand1")(x)
    three = layers.Conv2D(4 * squeezed, 3, padding="same", name=f"{name}_expand3")(x)
    x = layers.Concatenate(name=f"{name}_expand")([one, three])
    return activate(x, "relu", last or name)
