"""Inception after GoogLeNet: InceptionV3, InceptionV4 and Inception-ResNet-v2.

Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016,
arXiv:1512.00567. Szegedy, Ioffe, Vanhoucke, Alemi, Inception-v4, Inception-ResNet and the Impact
of Residual Connections on Learning, AAAI 2017, arXiv:1602.07261.

InceptionV3 and Inception-ResNet-v2 are those of keras.applications; with `style="torch"`
InceptionV3 is torchvision's. InceptionV4 is timm's. All take pixels in -1..1, as Google trained
them. The windows of the stem and of each reduction stay inside the maps, which are therefore a few
pixels smaller than 1/2**s of the image: 147, 71, 35, 17 and 8 of 299.
"""

from typing import Unpack

import keras

from kerascnn.models._blocks import Norm, global_average_head
from kerascnn.models._common import (
    SIGNED,
    ModelOptions,
    NormKind,
    Styles,
    Weights,
    build,
    predictions,
    variant,
    with_dropout,
)
from kerascnn.models._inception import (
    Chain,
    Conv,
    Details,
    Fork,
    Mixed,
    Pool,
    Residual,
    Stages,
    backbone,
)

AVERAGE = Pool("average")
MAX = Pool("max", stride=2, padding="valid")


def down(filters: int) -> Conv:
    """A 3x3 convolution that halves the maps."""
    return Conv(filters, 3, 2, "valid")


STEM = Chain(down(32), Conv(32, 3, padding="valid"), Conv(64, 3))
STEM_2 = Chain(MAX, Conv(80), Conv(192, 3, padding="valid"))


def v3_a(pool: int, single: int = 64) -> Mixed:
    """2016, figures 4 and 5: one branch keeps its 5x5 window, as in the published code."""
    return Mixed(
        Chain(Conv(single)),
        Chain(Conv(48), Conv(64, 5)),
        Chain(Conv(64), Conv(96, 3), Conv(96, 3)),
        Chain(AVERAGE, Conv(pool)),
    )


def v3_b(width: int) -> Mixed:
    """2016, figure 6: 7x7 windows as 1x7 and 7x1."""
    tall, wide = Conv(width, (7, 1)), Conv(width, (1, 7))
    return Mixed(
        Chain(Conv(192)),
        Chain(Conv(width), wide, Conv(192, (7, 1))),
        Chain(Conv(width), tall, wide, tall, Conv(192, (1, 7))),
        Chain(AVERAGE, Conv(192)),
    )


# 2016, figure 7: wider instead of deeper, at the coarsest grid.
V3_FORK = Fork(Conv(384, (1, 3)), Conv(384, (3, 1)))
V3_C = Mixed(
    Chain(Conv(320)),
    Chain(Conv(384), V3_FORK),
    Chain(Conv(448), Conv(384, 3), V3_FORK),
    Chain(AVERAGE, Conv(192)),
)
V3: Stages = (
    (STEM,),
    (STEM_2,),
    (Chain(MAX), v3_a(pool=32), v3_a(pool=64), v3_a(pool=64)),
    (
        Mixed(Chain(down(384)), Chain(Conv(64), Conv(96, 3), down(96)), Chain(MAX)),
        *(v3_b(width) for width in (128, 160, 160, 192)),
    ),
    (
        Mixed(
            Chain(Conv(192), down(320)),
            Chain(Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), down(192)),
            Chain(MAX),
        ),
        *(V3_C,) * 2,
    ),
)

# 2017, figures 3 to 9.
V4_A = Mixed(
    Chain(Conv(96)),
    Chain(Conv(64), Conv(96, 3)),
    Chain(Conv(64), Conv(96, 3), Conv(96, 3)),
    Chain(AVERAGE, Conv(96)),
)
V4_B = Mixed(
    Chain(Conv(384)),
    Chain(Conv(192), Conv(224, (1, 7)), Conv(256, (7, 1))),
    Chain(Conv(192), Conv(192, (7, 1)), Conv(224, (1, 7)), Conv(224, (7, 1)), Conv(256, (1, 7))),
    Chain(AVERAGE, Conv(128)),
)
V4_FORK = Fork(Conv(256, (1, 3)), Conv(256, (3, 1)))
V4_C = Mixed(
    Chain(Conv(256)),
    Chain(Conv(384), V4_FORK),
    Chain(Conv(384), Conv(448, (3, 1)), Conv(512, (1, 3)), V4_FORK),
    Chain(AVERAGE, Conv(256)),
)
V4: Stages = (
    (STEM,),
    (
        Mixed(Chain(MAX), Chain(down(96))),
        Mixed(
            Chain(Conv(64), Conv(96, 3, padding="valid")),
            Chain(Conv(64), Conv(64, (1, 7)), Conv(64, (7, 1)), Conv(96, 3, padding="valid")),
        ),
    ),
    (Mixed(Chain(down(192)), Chain(MAX)), *(V4_A,) * 4),
    (Mixed(Chain(down(384)), Chain(Conv(192), Conv(224, 3), down(256)), Chain(MAX)), *(V4_B,) * 7),
    (
        Mixed(
            Chain(Conv(192), down(192)),
            Chain(Conv(256), Conv(256, (1, 7)), Conv(320, (7, 1)), down(320)),
            Chain(MAX),
        ),
        *(V4_C,) * 3,
    ),
)

# 2017, figures 15 to 19, in the widths and with the stem of the published code.
RESNET_A = Mixed(
    Chain(Conv(32)), Chain(Conv(32), Conv(32, 3)), Chain(Conv(32), Conv(48, 3), Conv(64, 3))
)
RESNET_B = Mixed(Chain(Conv(192)), Chain(Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))))
RESNET_C = Mixed(Chain(Conv(192)), Chain(Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))))
RESNET_V2: Stages = (
    (STEM,),
    (STEM_2,),
    (
        Chain(MAX),
        v3_a(pool=64, single=96),
        *(Residual(RESNET_A, scale=0.17),) * 10,
    ),
    (
        Mixed(Chain(down(384)), Chain(Conv(256), Conv(256, 3), down(384)), Chain(MAX)),
        *(Residual(RESNET_B, scale=0.1),) * 20,
    ),
    (
        Mixed(
            Chain(Conv(256), down(384)),
            Chain(Conv(256), down(288)),
            Chain(Conv(256), Conv(288, 3), down(320)),
            Chain(MAX),
        ),
        *(Residual(RESNET_C, scale=0.2),) * 9,
        Residual(RESNET_C, scale=1.0, activation=None),
        Chain(Conv(1536)),
    ),
)


class InceptionOptions(ModelOptions, total=False):
    """Adds the normalisation after each convolution; None gives the convolutions a bias.

    Attributes:
        norm: "batch", "group", "layer", or None, which gives the convolutions a bias.
    """

    norm: NormKind | None


class InceptionV3Options(InceptionOptions, total=False):
    """Adds the library whose details are followed.

    Attributes:
        style: "keras" or "torch": whose details; None follows the weights.
    """

    style: str | None


@variant(styles=Styles(), norm="batch", style=None)
def InceptionV3(
    include_top: bool = True, weights: Weights = None, **options: Unpack[InceptionV3Options]
) -> keras.Model:
    """InceptionV3: 23,817,352 trainable parameters, 5.7 billion multiply-accumulates at 299x299.

    In torchvision's style batch normalisation has a gamma (23,834,568 parameters; its 27,161,264
    include the auxiliary classifier, left out here) and zeros around an average pool count.

    Args:
        include_top: Build the classifier.
        weights: None, the tag of published weights, or a weight file.
        **options: See `InceptionV3Options`.
    """
    torch = options["style"] == "torch"
    norm = Norm(options["norm"], epsilon=1e-3, momentum=0.9 if torch else 0.99)
    details = Details(norm, scale=torch, zeros_count=torch)
    return _classifier(V3, details, include_top, options)


@variant(norm="batch")
def InceptionV4(
    include_top: bool = True, weights: Weights = None, **options: Unpack[InceptionOptions]
) -> keras.Model:
    """InceptionV4: 42,679,816 trainable parameters; purely modules, a stem of modules too.

    Args:
        include_top: Build the classifier; `dropout=None` is the paper's 0.2.
        weights: None, the tag of published weights, or a weight file.
        **options: See `InceptionOptions`.
    """
    details = Details(Norm(options["norm"], epsilon=1e-3, momentum=0.9))
    return _classifier(V4, details, include_top, with_dropout(options, 0.2))


@variant(norm="batch")
def InceptionResNetV2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[InceptionOptions]
) -> keras.Model:
    """Inception-ResNet-v2: 55,813,192 trainable parameters; modules as scaled residual branches.

    Args:
        include_top: Build the classifier; `dropout=None` is the paper's 0.2.
        weights: None, the tag of published weights, or a weight file.
        **options: See `InceptionOptions`.
    """
    details = Details(Norm(options["norm"], epsilon=1e-3, momentum=0.99), scale=False)
    return _classifier(RESNET_V2, details, include_top, with_dropout(options, 0.2))


def _classifier(
    stages: Stages, details: Details, include_top: bool, options: InceptionOptions
) -> keras.Model:
    return build(
        backbone(stages, details),
        lambda x: predictions(global_average_head(x), options),
        default_shape=(299, 299, 3),
        min_size=75,
        fixed_size=False,
        preprocessing=SIGNED,
        include_top=include_top,
        options=options,
    )
