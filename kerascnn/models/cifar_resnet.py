"""The residual networks for CIFAR-10 and their plain twins.

He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385,
section 4.2: 6n + 2 layers with 16, 32 and 64 filters on maps of 32x32, 16x16 and 8x8 positions.
Shortcuts have no parameters (option A): where the size changes they take every second position and
add channels of zeros, half of them before and half behind. A plain network is the same without
shortcuts, so it has as many parameters.
"""

from typing import Unpack

import keras
from keras import layers, ops

from kerascnn.models._blocks import Norm, activate, conv_norm, global_average_head
from kerascnn.models._common import (
    ModelOptions,
    NormKind,
    Preprocessing,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
)
from kerascnn.models._residual import INITIALIZER, Block, Details, basic

# Mean and deviation of the training images. The paper subtracts the mean image.
CIFAR10 = Preprocessing.standardize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
FILTERS = (16, 32, 64)
# Blocks per size of maps, n in the paper.
DEPTHS = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18}


class CifarResNetOptions(ModelOptions, total=False):
    """Adds the normalisation.

    Attributes:
        norm: "batch", "group", "layer" or None.
    """

    norm: NormKind | None


def shortcut(x: Tensor, block: Block, name: str) -> Tensor:
    """Option A: the input itself, at every second position, between channels of zeros."""
    if block.stride > 1:
        x = layers.MaxPooling2D(1, block.stride, name=f"{name}_skip")(x)
    more = block.filters - x.shape[-1]
    if more:
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (more // 2, more - more // 2)))
    return x


def backbone(x: Tensor, depth: int, like: Details) -> Tensor:
    """From images to the maps of `stage2`."""
    x = conv_norm(x, FILTERS[0], 3, name="stem", norm=like.norm, kernel_initializer=INITIALIZER)
    for stage, filters in enumerate(FILTERS):
        for index in range(depth):
            name = f"stage{stage}_{index}"
            block = Block(filters, filters, stride=2 if index == 0 and stage > 0 else 1)
            y = basic(x, block, like, name)
            if like.residual:
                y = layers.Add(name=f"{name}_add")([shortcut(x, block, name), y])
            x = activate(y, "relu", f"stage{stage}" if index == depth - 1 else f"{name}_out")
    return x


def cifar_resnet(
    depth: int,
    include_top: bool,
    options: CifarResNetOptions,
    *,
    residual: bool = True,
) -> keras.Model:
    """Builds the network of `depth` layers with parameters."""
    like = Details(Norm(options["norm"]), residual=residual)
    return build(
        lambda x: backbone(x, DEPTHS[depth], like),
        lambda x: predictions(global_average_head(x), options),
        default_shape=(32, 32, 3),
        min_size=8,
        fixed_size=False,
        preprocessing=CIFAR10,
        include_top=include_top,
        options=options,
    )


@variant(classes=10, norm="batch")
def ResNet20(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """ResNet-20 for 32x32 images: 0.27 M parameters. Takes any size from 8."""
    return cifar_resnet(20, include_top, options)


@variant(classes=10, norm="batch")
def ResNet32(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """ResNet-32 for 32x32 images: 0.46 M parameters. Takes any size from 8."""
    return cifar_resnet(32, include_top, options)


@variant(classes=10, norm="batch")
def ResNet44(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """ResNet-44 for 32x32 images: 0.66 M parameters. Takes any size from 8."""
    return cifar_resnet(44, include_top, options)


@variant(classes=10, norm="batch")
def ResNet56(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """ResNet-56 for 32x32 images: 0.85 M parameters. Takes any size from 8."""
    return cifar_resnet(56, include_top, options)


@variant(classes=10, norm="batch")
def ResNet110(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """ResNet-110 for 32x32 images: 1.7 M parameters. Takes any size from 8."""
    return cifar_resnet(110, include_top, options)


@variant(classes=10, norm="batch")
def PlainNet20(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """The 20-layer plain network: ResNet-20 without shortcuts."""
    return cifar_resnet(20, include_top, options, residual=False)


@variant(classes=10, norm="batch")
def PlainNet32(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """The 32-layer plain network: ResNet-32 without shortcuts."""
    return cifar_resnet(32, include_top, options, residual=False)


@variant(classes=10, norm="batch")
def PlainNet44(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """The 44-layer plain network: ResNet-44 without shortcuts."""
    return cifar_resnet(44, include_top, options, residual=False)


@variant(classes=10, norm="batch")
def PlainNet56(
    include_top: bool = True, weights: Weights = None, **options: Unpack[CifarResNetOptions]
) -> keras.Model:
    """The 56-layer plain network, which trains worse than the shallower ones (figure 6)."""
    return cifar_resnet(56, include_top, options, residual=False)
