"""Network in Network: 1x1 convolutions, and no dense layers.

Lin, Chen, Yan, Network In Network, ICLR 2014, arXiv:1312.4400: each convolution is followed by two
of 1x1, a small perceptron that slides over the maps; the last maps, one per class, are averaged.
Widths and windows, which the paper leaves open, are those of the authors' networks for CIFAR-10 and
ImageNet in the collection of Caffe, but all poolings take maxima, as the paper says.

`NINRoot` adds the root modules of Ioannou, Robertson, Cipolla, Criminisi, Deep Roots: Improving CNN
Efficiency with Hierarchical Filter Groups, CVPR 2017, arXiv:1605.06489, section 4: the windows of
deeper blocks work in groups, fewer of them the deeper, and the 1x1 convolutions mix these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.models._blocks import Norm
from kerascnn.models._classic import conv_head, conv_relu, max_pool_up
from kerascnn.models._common import (
    IMAGENET,
    ModelOptions,
    NormKind,
    Tensor,
    Weights,
    build,
    choose,
    variant,
    with_dropout,
)

# arXiv:1502.01852; keeps the variance through the ReLUs.
START: dict[str, Any] = {"kernel_initializer": "he_normal"}


@dataclass(frozen=True)
class Block:
    """A convolution, its 1x1 convolutions, and the pooling after it.

    Attributes:
        filters: Of the convolution.
        window: Side of its window.
        mixed: Filters of the 1x1 convolutions; in the last block the head adds one, the classes.
        stride: Step of the convolution.
        border: Zeros on each side; None keeps the size.
        pool: 3x3 max pooling with step 2 follows.
        level: Of the block's maps, at 1/2**level of the image's resolution.
    """

    filters: int
    window: int
    mixed: tuple[int, ...]
    stride: int = 1
    border: int | None = None
    pool: bool = True
    level: int = 0


CIFAR = (
    Block(192, 5, (160, 96), level=0),
    Block(192, 5, (192, 192), level=1),
    Block(192, 3, (192,), pool=False, level=2),
)
IMAGENET_BLOCKS = (
    Block(96, 11, (96, 96), stride=4, border=0, level=2),
    Block(256, 5, (256, 256), level=3),
    Block(384, 3, (384, 384), level=4),
    Block(1024, 3, (1024,), pool=False, level=5),
)


class NINOptions(ModelOptions, total=False):
    """Adds the normalisation.

    Attributes:
        norm: None as published, or "batch", "group", "layer" after each convolution.
    """

    norm: NormKind | None


class NINRootOptions(NINOptions, total=False):
    """Adds the number of groups.

    Attributes:
        root: Groups of the second block's convolutions, 2, 4, 8 or 16; the third block has half.
    """

    root: int


@variant(classes=10, norm=None)
def NIN(
    include_top: bool = True, weights: Weights = None, **options: Unpack[NINOptions]
) -> keras.Model:
    """NIN for CIFAR. 966,986 parameters.

    Takes raw images (batch, 32, 32, 3), or any other size. `dropout=None` is the paper's 0.5, after
    both poolings.

    Args:
        include_top: Build the maps of the classes and their average.
        weights: None, or a weight file.
        **options: See `NINOptions`.
    """
    return _nin(CIFAR, (1, 1, 1), include_top, options)


@variant(classes=10, norm=None, root=4)
def NINRoot(
    include_top: bool = True, weights: Weights = None, **options: Unpack[NINRootOptions]
) -> keras.Model:
    """NIN with root modules, root-4 unless told otherwise. 455,498 parameters.

    root-2, -8 and -16 have 736,586, 314,954 and 244,682. Otherwise like `NIN`.

    Args:
        include_top: Build the maps of the classes and their average.
        weights: None, or a weight file.
        **options: See `NINRootOptions`.
    """
    root = choose("root", options["root"], (2, 4, 8, 16))
    return _nin(CIFAR, (1, root, root // 2), include_top, options)


@variant(norm=None)
def NINImageNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[NINOptions]
) -> keras.Model:
    """NIN for ImageNet, with four blocks. 7,595,176 parameters.

    Takes raw images (batch, 224, 224, 3), or other sizes from 43. `dropout=None` is the authors'
    0.5, after the last pooling.

    Args:
        include_top: Build the maps of the classes and their average.
        weights: None, or a weight file.
        **options: See `NINOptions`.
    """
    return _nin(IMAGENET_BLOCKS, (1, 1, 1, 1), include_top, options)


def _nin(
    blocks: tuple[Block, ...],
    groups: tuple[int, ...],
    include_top: bool,
    options: NINOptions,
) -> keras.Model:
    norm = Norm(choose("norm", options["norm"], (None, "batch", "group", "layer")))
    options = with_dropout(options, 0.5)
    cifar = blocks is CIFAR
    return build(
        _backbone(blocks, groups, norm, options),
        conv_head(options, norm=norm, **START),
        default_shape=(32, 32, 3) if cifar else (224, 224, 3),
        min_size=8 if cifar else 43,
        fixed_size=False,
        preprocessing=IMAGENET,
        include_top=include_top,
        options=options,
    )


def _backbone(
    blocks: tuple[Block, ...], groups: tuple[int, ...], norm: Norm, options: NINOptions
) -> Callable[[Tensor], Tensor]:
    def backbone(x: Tensor) -> Tensor:
        for number, (block, split) in enumerate(zip(blocks, groups, strict=True), start=1):
            x = conv_relu(
                x,
                block.filters,
                block.window,
                block.stride,
                name=f"conv{number}",
                border=block.border,
                groups=split,
                norm=norm,
                **START,
            )
            for place, filters in enumerate(block.mixed, start=1):
                last = f"stage{block.level}" if place == len(block.mixed) else None
                name = f"conv{number}_{place}"
                x = conv_relu(x, filters, 1, name=name, norm=norm, last=last, **START)
            if not block.pool:
                continue
            x = max_pool_up(x, f"pool{number}")
            rest = len(blocks) - number
            if rest == 1 or blocks is CIFAR:
                name = "dropout" if rest == 1 else f"pool{number}_dropout"
                x = layers.Dropout(options["dropout"], name=name)(x)
        return x

    return backbone
