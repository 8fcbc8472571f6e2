"""ResNet of the second form: normalisation and activation before each convolution.

He, Zhang, Ren, Sun, Identity Mappings in Deep Residual Networks, ECCV 2016, arXiv:1603.05027,
figure 4e. Details, and so the weights, are those of keras.applications: a stage takes its step in
its last block, by the 3x3 convolution there, where the paper takes it in the first; the shortcut of
that block takes every second position; convolutions whose outputs are added or pooled have biases.

`stage2` to `stage5` are the activated maps that enter the next step, or the head.
"""

from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.models._blocks import (
    Norm,
    activate,
    conv,
    conv_norm,
    global_average_head,
    max_pool,
)
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
from kerascnn.models._residual import INITIALIZER

WIDTHS = (64, 128, 256, 512)
# Blocks per stage.
DEPTHS = {
    "ResNet50V2": (3, 4, 6, 3),
    "ResNet101V2": (3, 4, 23, 3),
    "ResNet152V2": (3, 8, 36, 3),
}


class ResNetV2Options(ModelOptions, total=False):
    """Adds the normalisation.

    Attributes:
        norm: "batch", "group", "layer" or None.
    """

    norm: NormKind | None


def unit(
    x: Tensor, width: int, stride: int, project: bool, norm: Norm, name: str, activation_name: str
) -> Tensor:
    """Normalise and activate; add a bottleneck of that to the input, or to its projection."""
    before = activate(norm(x, f"{name}_0_norm"), "relu", activation_name)
    if project:
        x = conv(
            before, 4 * width, 1, stride, name=f"{name}_skip_conv", kernel_initializer=INITIALIZER
        )
    elif stride > 1:
        x = layers.MaxPooling2D(1, stride, name=f"{name}_skip")(x)
    inner: dict[str, Any] = {
        "norm": norm,
        "padding": "symmetric",
        "kernel_initializer": INITIALIZER,
    }
    y = conv_norm(before, width, 1, name=f"{name}_1", **inner)
    y = conv_norm(y, width, 3, stride, name=f"{name}_2", **inner)
    y = conv(y, 4 * width, 1, name=f"{name}_3_conv", kernel_initializer=INITIALIZER)
    return layers.Add(name=f"{name}_out")([x, y])


def backbone(x: Tensor, depths: tuple[int, ...], norm: Norm) -> Tensor:
    """From images to the maps of `stage5`."""
    x = conv(x, 64, 7, 2, name="stem_conv", padding="symmetric", kernel_initializer=INITIALIZER)
    # Values below zero meet zeros at the border here, as in keras.applications.
    x = max_pool(x, 3, 2, name="stem_pool", padding="symmetric")
    for stage, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True), start=2):
        for index in range(depth):
            name = f"stage{stage}_{index}"
            steps = index == depth - 1 and stage < 5
            entered = f"stage{stage}" if steps else f"{name}_0_act"
            x = unit(x, width, 2 if steps else 1, index == 0, norm, name, entered)
    return activate(norm(x, "stage5_norm"), "relu", "stage5")


def resnet_v2(depths: tuple[int, ...], include_top: bool, options: ResNetV2Options) -> keras.Model:
    """Builds a variant."""
    norm = Norm(options["norm"], 1.001e-5, 0.99)
    return build(
        lambda x: backbone(x, depths, norm),
        lambda x: predictions(global_average_head(x), options),
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=SIGNED,
        include_top=include_top,
        options=options,
    )


@variant(norm="batch")
def ResNet50V2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetV2Options]
) -> keras.Model:
    """ResNet-50 V2: 25.6 M parameters. Takes raw images of any size from 32."""
    return resnet_v2(DEPTHS["ResNet50V2"], include_top, options)


@variant(norm="batch")
def ResNet101V2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetV2Options]
) -> keras.Model:
    """ResNet-101 V2: 44.6 M parameters. Takes raw images of any size from 32."""
    return resnet_v2(DEPTHS["ResNet101V2"], include_top, options)


@variant(norm="batch")
def ResNet152V2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetV2Options]
) -> keras.Model:
    """ResNet-152 V2: 60.2 M parameters. Takes raw images of any size from 32."""
    return resnet_v2(DEPTHS["ResNet152V2"], include_top, options)
