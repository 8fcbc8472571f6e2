"""ZFNet: AlexNet improved by looking at what its layers see, winner of ImageNet 2013.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901,
figure 3: smaller windows and steps at the beginning, one tower. The contrast normalisation after
the first two poolings is taken as AlexNet's local response normalisation.
"""

from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.layers import LocalResponseNormalization
from kerascnn.models._blocks import Norm, max_pool
from kerascnn.models._classic import check_two_widths, conv_relu, dense_head
from kerascnn.models._common import (
    CAFFE,
    ModelOptions,
    Tensor,
    Weights,
    build,
    choose,
    variant,
    with_dropout,
)

# Section 3: all weights start around 0.01, biases at 0. A description, so that layers draw
# differently.
START: dict[str, Any] = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}


class ZFNetOptions(ModelOptions, total=False):
    """Adds the normalisation and the size of the head.

    Attributes:
        norm: "lrn" (after the first two poolings), "batch", "group", "layer" (after each
            convolution) or None.
        hidden: Widths of the two dense layers.
    """

    norm: str | None
    hidden: tuple[int, int]


@variant(norm="lrn", hidden=(4096, 4096))
def ZFNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ZFNetOptions]
) -> keras.Model:
    """ZFNet. 62,357,608 parameters.

    Takes raw images (batch, 224, 224, 3), or other sizes from 53. `dropout=None` is the paper's
    0.5, in both dense layers.

    Args:
        include_top: Build the dense layers.
        weights: None, or a weight file.
        **options: See `ZFNetOptions`.
    """
    kind = choose("norm", options["norm"], ("lrn", "batch", "group", "layer", None))
    norm = Norm(None if kind == "lrn" else kind)
    options = with_dropout(options, 0.5)
    start: dict[str, Any] = {"kernel_initializer": START}

    def pool(x: Tensor, number: int, stage: str | None = None) -> Tensor:
        name = f"pool{number}"
        x = max_pool(x, 3, 2, name=name if kind == "lrn" else stage or name, padding="symmetric")
        return x if kind != "lrn" else LocalResponseNormalization(name=stage or f"lrn{number}")(x)

    def backbone(x: Tensor) -> Tensor:
        x = conv_relu(x, 96, 7, 2, name="conv1", border=1, norm=norm, last="stage1", **start)
        x = pool(x, 1, "stage2")
        x = conv_relu(x, 256, 5, 2, name="conv2", border=0, norm=norm, last="stage3", **start)
        x = pool(x, 2)
        x = conv_relu(x, 384, 3, name="conv3", norm=norm, **start)
        x = conv_relu(x, 384, 3, name="conv4", norm=norm, **start)
        x = conv_relu(x, 256, 3, name="conv5", norm=norm, last="stage4", **start)
        return layers.MaxPooling2D(3, 2, name="stage5")(x)

    return build(
        backbone,
        dense_head(check_two_widths(options["hidden"]), ("fc6", "fc7"), options, **start),
        default_shape=(224, 224, 3),
        min_size=53,
        fixed_size=include_top,
        preprocessing=CAFFE,
        include_top=include_top,
        options=options,
    )
