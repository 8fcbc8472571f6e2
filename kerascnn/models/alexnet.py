"""AlexNet, the network that won ImageNet 2012.

Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks,
NIPS 2012, sections 3 and 4: two towers, one per GPU of that time, which meet in the third
convolution and in the dense layers. `groups=1` is the network with one tower as used today.

`style="torch"` is torchvision's: one narrower tower (Krizhevsky, arXiv:1404.5997, figure 1),
without normalisation, for images of 224x224 standardised by mean and deviation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.layers import LocalResponseNormalization
from kerascnn.models._blocks import Norm
from kerascnn.models._classic import check_two_widths, conv_relu, dense_head
from kerascnn.models._common import (
    CAFFE,
    IMAGENET,
    ModelOptions,
    Styles,
    Tensor,
    Weights,
    build,
    choose,
    variant,
    with_dropout,
)


@dataclass(frozen=True)
class Conv:
    """A convolution and what follows it.

    Attributes:
        filters: Of both towers together.
        window: Side of the window.
        stride: Step.
        border: Zeros on each side; None keeps the size.
        split: Each tower sees its own maps only.
        respond: Local response normalisation follows.
        pool: Overlapping max pooling follows: 3x3 with step 2.
        bias_initializer: In the paper, half of the units start at 1, so that they get positive
            inputs and learn from the beginning.
    """

    filters: int
    window: int
    stride: int = 1
    border: int | None = None
    split: bool = True
    respond: bool = False
    pool: bool = False
    bias_initializer: str = "ones"


PAPER = (
    Conv(96, 11, 4, border=0, split=False, respond=True, pool=True, bias_initializer="zeros"),
    Conv(256, 5, respond=True, pool=True),
    Conv(384, 3, split=False, bias_initializer="zeros"),
    Conv(384, 3),
    Conv(256, 3, pool=True),
)
TORCHVISION = (
    Conv(64, 11, 4, border=2, split=False, pool=True),
    Conv(192, 5, pool=True),
    Conv(384, 3),
    Conv(256, 3),
    Conv(256, 3, pool=True),
)
# Section 5: weights of the paper start like this. A description, so that layers draw differently.
START: dict[str, Any] = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}


class AlexNetOptions(ModelOptions, total=False):
    """Adds what AlexNets differ in.

    Attributes:
        groups: Number of towers, 1 or 2. None is the style's: 2 in the paper, 1 in torchvision.
        norm: "lrn" (after the first two convolutions), "batch", "group", "layer" (after each) or
            None. "auto" is the style's: "lrn" in the paper, None in torchvision.
        hidden: Widths of the two dense layers.
        style: "paper", or "torch" for torchvision's network; None is "torch" for its weights,
            else "paper".
    """

    groups: int | None
    norm: str | None
    hidden: tuple[int, int]
    style: str | None


@variant(
    styles=Styles("paper", ("paper", "torch")),
    groups=None,
    norm="auto",
    hidden=(4096, 4096),
    style=None,
)
def AlexNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[AlexNetOptions]
) -> keras.Model:
    """AlexNet: 60,965,224 parameters with two towers, 62,378,344 with `groups=1`.

    With `style="torch"` 61,100,840. Takes raw images (batch, 227, 227, 3): the paper says 224, but
    its own sizes of maps need 227. `dropout=None` is the paper's 0.5, in both dense layers.

    Args:
        include_top: Build the dense layers.
        weights: None, the tag of published weights, or a weight file.
        **options: See `AlexNetOptions`.
    """
    torch = options["style"] == "torch"
    kind = options["norm"]
    if kind == "auto":
        kind = None if torch else "lrn"
    choose("norm", kind, ("lrn", "batch", "group", "layer", None))
    groups = choose("groups", options["groups"], (None, 1, 2)) or (1 if torch else 2)
    options = with_dropout(options, 0.5)
    start = {} if torch else {"kernel_initializer": START, "bias_initializer": "ones"}

    return build(
        backbone(TORCHVISION if torch else PAPER, kind, groups, paper=not torch),
        dense_head(
            check_two_widths(options["hidden"]),
            ("fc6", "fc7"),
            options,
            sides=(6, 6) if torch else None,
            **start,
        ),
        default_shape=(224, 224, 3) if torch else (227, 227, 3),
        min_size=63 if torch else 67,
        fixed_size=include_top,
        preprocessing=IMAGENET if torch else CAFFE,
        include_top=include_top,
        options=options,
    )


def backbone(
    convs: tuple[Conv, ...], kind: str | None, groups: int, *, paper: bool
) -> Callable[[Tensor], Tensor]:
    """The convolutions; `paper` starts their weights as the paper does."""
    norm = Norm(None if kind == "lrn" else kind)  # type: ignore[arg-type]

    def layers_of(x: Tensor) -> Tensor:
        level = 2
        for number, conv in enumerate(convs, start=1):
            responds = kind == "lrn" and conv.respond
            stage = f"stage{level}" if conv.pool else None
            start = {"kernel_initializer": START, "bias_initializer": conv.bias_initializer}
            x = conv_relu(
                x,
                conv.filters,
                conv.window,
                conv.stride,
                name=f"conv{number}",
                border=conv.border,
                groups=groups if conv.split else 1,
                norm=norm,
                last=None if responds else stage,
                **(start if paper else {}),
            )
            if responds:
                x = LocalResponseNormalization(groups=groups, name=stage)(x)
            if conv.pool:
                level += 1
                name = "stage5" if number == len(convs) else f"pool{number}"
                x = layers.MaxPooling2D(3, 2, name=name)(x)
        return x

    return layers_of
