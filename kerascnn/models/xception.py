"""Xception: inception modules taken to the extreme, where every channel is its own branch.

Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017,
arXiv:1610.02357, figure 5. This is the network of keras.applications. Each separable convolution
is a depthwise and a 1x1 convolution with no activation between them, two layers of ours for one
of Keras's: the same function, and both kernels have names.
"""

from dataclasses import dataclass
from typing import Unpack

import keras
from keras import layers

from kerascnn.models._blocks import Norm, activate, conv, conv_norm, global_average_head
from kerascnn.models._common import (
    SIGNED,
    ModelOptions,
    NormKind,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
    with_dropout,
)


@dataclass(frozen=True)
class Block:
    """A residual block of separable convolutions.

    Attributes:
        stage: The block's maps are 1/2**stage of the image.
        filters: Of each separable convolution.
        shrink: Halves the maps by max pooling; the shortcut is then a 1x1 convolution.
        activate_first: A ReLU before the first convolution.
    """

    stage: int
    filters: tuple[int, ...]
    shrink: bool = True
    activate_first: bool = True


BLOCKS = (
    Block(2, (128, 128), activate_first=False),
    Block(3, (256, 256)),
    Block(4, (728, 728)),
    *(Block(4, (728, 728, 728), shrink=False),) * 8,
    Block(5, (728, 1024)),
)
EXIT = (1536, 2048)


class XceptionOptions(ModelOptions, total=False):
    """Adds the normalisation after each convolution; None gives the convolutions a bias.

    Attributes:
        norm: "batch", "group", "layer", or None, which gives the convolutions a bias.
    """

    norm: NormKind | None


@variant(norm="batch")
def Xception(
    include_top: bool = True, weights: Weights = None, **options: Unpack[XceptionOptions]
) -> keras.Model:
    """Xception: 22,855,952 trainable parameters, 8.4 billion multiply-accumulates at 299x299.

    Args:
        include_top: Build the classifier; `dropout=None` is the paper's 0.5.
        weights: None, the tag of published weights, or a weight file.
        **options: See `XceptionOptions`.
    """
    norm = Norm(options["norm"], epsilon=1e-3, momentum=0.99)
    options = with_dropout(options, 0.5)

    def backbone(x: Tensor) -> Tensor:
        x = conv_norm(x, 32, 3, 2, name="stem_1", norm=norm, padding="valid")
        x = conv_norm(x, 64, 3, name="stem_2", norm=norm, padding="valid", activation_name="stage1")
        count = dict.fromkeys(range(2, 6), 0)
        for block, following in zip(BLOCKS, (*BLOCKS[1:], None), strict=True):
            name = f"stage{block.stage}_{count[block.stage]}"
            count[block.stage] += 1
            ends_stage = following is not None and following.stage > block.stage
            output = f"stage{block.stage}" if ends_stage else f"{name}_add"
            x = residual(x, block, norm, name, output)
        for i, filters in enumerate(EXIT, start=1):
            x = separable(x, filters, norm, f"stage5_1_{i}")
            x = activate(x, "relu", "stage5" if i == len(EXIT) else f"stage5_1_{i}_act")
        return x

    def head(x: Tensor) -> Tensor:
        return predictions(global_average_head(x), options)

    return build(
        backbone,
        head,
        default_shape=(299, 299, 3),
        min_size=71,
        fixed_size=False,
        preprocessing=SIGNED,
        include_top=include_top,
        options=options,
    )


def residual(x: Tensor, block: Block, norm: Norm, name: str, output: str) -> Tensor:
    """ReLU and separable convolution, two or three times, plus a shortcut."""
    y = shortcut = x
    for i, filters in enumerate(block.filters, start=1):
        if i > 1 or block.activate_first:
            y = activate(y, "relu", f"{name}_{i}_act")
        y = separable(y, filters, norm, f"{name}_{i}")
    if block.shrink:
        y = layers.MaxPooling2D(3, 2, "same", name=f"{name}_pool")(y)
        shortcut = conv_norm(
            x, block.filters[-1], 1, 2, name=f"{name}_skip", norm=norm, activation=None
        )
    return layers.Add(name=output)([y, shortcut])


def separable(x: Tensor, filters: int, norm: Norm, name: str) -> Tensor:
    """A 3x3 window per channel, then a 1x1 convolution, then the normalisation."""
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_dwconv")(x)
    x = conv(x, filters, 1, name=f"{name}_conv", use_bias=norm.kind is None)
    return norm(x, f"{name}_norm")
