"""MobileNet: depthwise separable convolutions.

Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications,
2017, arXiv:1704.04861, table 1. This is the network of keras.applications: ReLU6, pixels in -1..1.
One difference: a stepped convolution on a map of odd size pads as in the authors' code ("same"),
where keras.applications drops the last row and column. With image sizes that are multiples of 32,
for which all published weights were made, only the last maps can be odd.
"""

from typing import Unpack

import keras

from kerascnn.models._blocks import Norm, depthwise_norm, global_average_head
from kerascnn.models._common import (
    SIGNED,
    ModelOptions,
    NormKind,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
)
from kerascnn.models.mobilenet_v2 import end_of_stage, fan_out, wide

# Table 1: channels and step of the 13 separable convolutions.
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1)),
)


class MobileNetOptions(ModelOptions, total=False):
    """Adds the width, the filters per channel and the normalisation.

    Attributes:
        alpha: Multiplies the channels; above 0.
        depth_multiplier: Filters of the depthwise convolutions per channel, at least 1.
        norm: "batch", "group", "layer" or None.
    """

    alpha: float
    depth_multiplier: int
    norm: NormKind | None


@variant(alpha=1.0, depth_multiplier=1, norm="batch")
def MobileNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[MobileNetOptions]
) -> keras.Model:
    """MobileNet: 4.2 M parameters and 0.57 G multiply-accumulates at alpha 1.

    Takes raw images (batch, 224, 224, 3), or any size from 32.

    Args:
        include_top: Build average pooling and the output.
        weights: None, the tag of published weights, or a weight file.
        **options: See `MobileNetOptions`.
    """
    alpha, multiplier = options["alpha"], options["depth_multiplier"]
    norm = Norm(options["norm"], 1e-3, 0.9)  # 0.9: see mobilenet_v2.details

    def width(filters: int) -> int:
        return max(1, int(filters * alpha))

    def backbone(x: Tensor) -> Tensor:
        x = wide(x, width(32), 3, 2, name="stem", norm=norm, activation="relu6")
        level = 1
        for number, (filters, stride) in enumerate(BLOCKS, start=1):
            if stride == 2:
                x, level = end_of_stage(x, level), level + 1
            name = f"stage{level}_{number}"
            x = depthwise_norm(
                x,
                3,
                stride,
                name=f"{name}_dw",
                norm=norm,
                activation="relu6",
                depth_multiplier=multiplier,
                depthwise_initializer=fan_out(),
            )
            x = wide(x, width(filters), 1, name=f"{name}_pw", norm=norm, activation="relu6")
        return end_of_stage(x, level)

    return build(
        backbone,
        lambda x: predictions(global_average_head(x), options),
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=SIGNED,
        include_top=include_top,
        options=options,
    )
