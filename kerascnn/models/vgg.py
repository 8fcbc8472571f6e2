"""VGG: depth by 3x3 convolutions alone.

Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015,
arXiv:1409.1556, table 1: configurations A, B, D and E. Multiply-accumulates are those of
convolutions and dense layers; the residual learning paper calls those of VGG-19, 19.6 G, FLOPs.

`style="keras"`, the authors' and that of keras.applications, subtracts the mean colour;
`style="torch"`, torchvision's, standardises pixels and averages maps of images of other sizes
than 224 to 7x7 before the dense layers.
"""

from collections.abc import Callable
from typing import Any, Literal, Unpack

import keras
from keras import layers

from kerascnn.models._blocks import Norm, global_average_head
from kerascnn.models._classic import check_two_widths, conv_relu, dense_head
from kerascnn.models._common import (
    CAFFE,
    IMAGENET,
    ModelOptions,
    NormKind,
    Styles,
    Tensor,
    Weights,
    build,
    choose,
    predictions,
    variant,
    with_dropout,
)

# Convolutions of each block (table 1), and the width of each.
DEPTHS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
WIDTHS = (64, 128, 256, 512, 512)
DEFAULTS: dict[str, Any] = {"head": "flatten", "hidden": (4096, 4096), "style": None}


class VGGOptions(ModelOptions, total=False):
    """Adds the choices of the lectures.

    Attributes:
        norm: None as in the paper, or "batch", "group", "layer" after each convolution.
        head: "flatten" for the paper's dense layers, "average" for the averages of the maps and
            one dense layer: a ninth of the parameters, and images of any size.
        hidden: Widths of the two dense layers of the first.
        style: "keras" or "torch"; None is the one of the weights, else "keras".
    """

    norm: NormKind | None
    head: Literal["flatten", "average"]
    hidden: tuple[int, int]
    style: str | None


@variant(styles=Styles(), norm=None, **DEFAULTS)
def VGG11(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG with 11 layers, configuration A. 132,863,336 parameters. See `VGG16`."""
    return _vgg("vgg11", include_top, options)


@variant(styles=Styles(), norm=None, **DEFAULTS)
def VGG13(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG with 13 layers, configuration B. 133,047,848 parameters. See `VGG16`."""
    return _vgg("vgg13", include_top, options)


@variant(styles=Styles(), norm=None, **DEFAULTS)
def VGG16(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG with 16 layers, configuration D. 138,357,544 parameters.

    Takes raw images (batch, 224, 224, 3), or other sizes from 32. `dropout=None` is the paper's
    0.5, in both dense layers.

    Args:
        include_top: Build the head.
        weights: None, the tag of published weights, or a weight file.
        **options: See `VGGOptions`.
    """
    return _vgg("vgg16", include_top, options)


@variant(styles=Styles(), norm=None, **DEFAULTS)
def VGG19(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG with 19 layers, configuration E. 143,667,240 parameters. See `VGG16`."""
    return _vgg("vgg19", include_top, options)


@variant(styles=Styles(), norm="batch", **DEFAULTS)
def VGG11BN(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG11 with batch normalisation. 132,866,088 parameters. See `VGG16BN`."""
    return _vgg("vgg11", include_top, options)


@variant(styles=Styles(), norm="batch", **DEFAULTS)
def VGG13BN(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG13 with batch normalisation. 133,050,792 parameters. See `VGG16BN`."""
    return _vgg("vgg13", include_top, options)


@variant(styles=Styles(), norm="batch", **DEFAULTS)
def VGG16BN(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG16 with batch normalisation (arXiv:1502.03167). 138,361,768 parameters.

    torchvision counts 138,365,992: it keeps a bias in each convolution, 4,224 in all, which the
    normalisation after it takes away again. Ours has none; loading torchvision's weights folds them
    into the moving means.

    Args:
        include_top: Build the head.
        weights: None, the tag of published weights, or a weight file.
        **options: See `VGGOptions`.
    """
    return _vgg("vgg16", include_top, options)


@variant(styles=Styles(), norm="batch", **DEFAULTS)
def VGG19BN(
    include_top: bool = True, weights: Weights = None, **options: Unpack[VGGOptions]
) -> keras.Model:
    """VGG19 with batch normalisation. 143,672,744 parameters. See `VGG16BN`."""
    return _vgg("vgg19", include_top, options)


def _vgg(network: str, include_top: bool, options: VGGOptions) -> keras.Model:
    torch = options["style"] == "torch"
    flat = choose("head", options["head"], ("flatten", "average")) == "flatten"
    norm = Norm(choose("norm", options["norm"], (None, "batch", "group", "layer")))
    if flat:
        options = with_dropout(options, 0.5)
        widths, sides = check_two_widths(options["hidden"]), (7, 7) if torch else None
        head = dense_head(widths, ("fc1", "fc2"), options, sides=sides)
    else:
        head = _average_head(options)
    return build(
        _backbone(DEPTHS[network], norm),
        head,
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=include_top and flat,
        preprocessing=IMAGENET if torch else CAFFE,
        include_top=include_top,
        options=options,
    )


def _average_head(options: VGGOptions) -> Callable[[Tensor], Tensor]:
    return lambda x: predictions(global_average_head(x), options)


def _backbone(depths: tuple[int, ...], norm: Norm) -> Callable[[Tensor], Tensor]:
    def backbone(x: Tensor) -> Tensor:
        for level, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True)):
            for place in range(1, depth + 1):
                last = f"stage{level}" if place == depth else None
                x = conv_relu(x, width, 3, name=f"stage{level}_{place}", norm=norm, last=last)
            name = "stage5" if level == 4 else f"pool{level + 1}"
            x = layers.MaxPooling2D(2, name=name)(x)
        return x

    return backbone
