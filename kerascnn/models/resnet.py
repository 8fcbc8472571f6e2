"""ResNet with its plain twins, ResNeXt, and wide ResNets.

He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385,
table 1, with projections where the size changes (option B). Xie, Girshick, Dollar, Tu, He,
Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017, arXiv:1611.05431, table 1.
Zagoruyko, Komodakis, Wide Residual Networks, BMVC 2016, arXiv:1605.07146: bottlenecks whose 3x3
convolutions are twice as wide, and whose outputs are not (WRN-50-2-bottleneck).

Two networks go by the name of ResNet-50. In the paper's, a stage takes its step in the first 1x1
convolution: `style="keras"`, which is that of keras.applications too. In torchvision's, also called
v1.5, the 3x3 takes it: `style="torch"`. Blocks of two 3x3 convolutions are the same in both.

Multiply-accumulates are those of convolutions and of the dense layer, as the paper counts them:
1.8, 3.66, 3.86, 7.6 and 11.3 G for 18, 34, 50, 101 and 152 layers. Convolutions have no bias here;
keras.applications gives them one, and so counts more parameters.
"""

from dataclasses import dataclass
from typing import Literal, Unpack

import keras

from kerascnn.models._blocks import Norm, conv_norm, global_average_head, max_pool
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
)
from kerascnn.models._residual import INITIALIZER, Block, Branch, Details, basic, bottleneck, unit


@dataclass(frozen=True)
class Spec:
    """A column of table 1: per stage, the number of blocks, and what each holds.

    Attributes:
        branch: What a block adds to its input.
        depths: Number of blocks.
        widths: Filters of the 3x3 convolutions.
        filters: Channels that leave a block.
        groups: Groups of the 3x3 convolutions.
    """

    branch: Branch
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    filters: tuple[int, ...] = (64, 128, 256, 512)
    groups: tuple[int, ...] = (1, 1, 1, 1)


# Filters of ResNet-50's 3x3 convolutions times 1, 2 and 4; the last are the outputs of its blocks.
TWICE, WIDE = (128, 256, 512, 1024), (256, 512, 1024, 2048)
SPECS = {
    "ResNet18": Spec(basic, (2, 2, 2, 2)),
    "ResNet34": Spec(basic, (3, 4, 6, 3)),
    "ResNet50": Spec(bottleneck, (3, 4, 6, 3), filters=WIDE),
    "ResNet101": Spec(bottleneck, (3, 4, 23, 3), filters=WIDE),
    "ResNet152": Spec(bottleneck, (3, 8, 36, 3), filters=WIDE),
    # "32x4d": 32 groups, each of 4 channels in the first stage.
    "ResNeXt50": Spec(bottleneck, (3, 4, 6, 3), TWICE, WIDE, (32,) * 4),
    "ResNeXt101": Spec(bottleneck, (3, 4, 23, 3), WIDE, WIDE, (32,) * 4),  # 32x8d
    "ResNeXt101_64x4d": Spec(bottleneck, (3, 4, 23, 3), WIDE, WIDE, (64,) * 4),
    "WideResNet50_2": Spec(bottleneck, (3, 4, 6, 3), TWICE, WIDE),
    "WideResNet101_2": Spec(bottleneck, (3, 4, 23, 3), TWICE, WIDE),
}


def backbone(x: Tensor, spec: Spec, like: Details, output_stride: int = 32) -> Tensor:
    """From images to the maps of `stage5`; a step that would exceed `output_stride` dilates."""
    x = conv_norm(
        x,
        64,
        7,
        2,
        name="stem",
        padding="symmetric",
        norm=like.norm,
        activation_name="stage1",
        kernel_initializer=INITIALIZER,
    )
    x = max_pool(x, 3, 2, name="stem_pool", padding="symmetric")
    reduction, dilation = 4, 1
    columns = zip(spec.depths, spec.widths, spec.filters, spec.groups, strict=True)
    for stage, (depth, width, filters, groups) in enumerate(columns, start=2):
        for index in range(depth):
            stride, before = 2 if index == 0 and stage > 2 else 1, dilation
            if stride * reduction > output_stride:
                stride, dilation = 1, 2 * dilation
            reduction *= stride
            block = Block(width, filters, groups, stride, before, dilation)
            name = f"stage{stage}_{index}"
            last = f"stage{stage}" if index == depth - 1 else f"{name}_out"
            x = unit(x, spec.branch, block, like, name, last)
    return x


class ResNetOptions(ModelOptions, total=False):
    """Options of the family.

    Attributes:
        style: "keras" (the paper's place of the step; epsilon and pixels of keras.applications) or
            "torch" (torchvision's). None follows the weights, or else is the variant's default.
        norm: "batch", "group", "layer" or None.
        output_stride: 32, or 16 or 8: the last one or two stages then keep the size of the maps
            and dilate their windows instead. All layers keep their names and weights.
    """

    style: Literal["keras", "torch"] | None
    norm: NormKind | None
    output_stride: int


def resnet(
    spec: Spec, include_top: bool, options: ResNetOptions, *, residual: bool = True
) -> keras.Model:
    """Builds a variant."""
    style = options["style"]
    output_stride = choose("output_stride", options["output_stride"], (32, 16, 8))
    epsilon, momentum = (1.001e-5, 0.99) if style == "keras" else (1e-5, 0.9)
    norm = Norm(options["norm"], epsilon, momentum)
    like = Details(norm, early=style == "keras", residual=residual)
    return build(
        lambda x: backbone(x, spec, like, output_stride),
        lambda x: predictions(global_average_head(x), options),
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=CAFFE if style == "keras" else IMAGENET,
        include_top=include_top,
        options=options,
    )


# The style where neither the caller nor the weights choose.
KERAS, TORCH = Styles("keras"), Styles("torch")
CHOICES = {"style": None, "norm": "batch", "output_stride": 32}


@variant(styles=TORCH, **CHOICES)
def ResNet18(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-18: 8 basic blocks, 11.7 M parameters, 1.8 G multiply-accumulates."""
    return resnet(SPECS["ResNet18"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def ResNet34(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-34: 16 basic blocks, 21.8 M parameters, 3.7 G multiply-accumulates."""
    return resnet(SPECS["ResNet34"], include_top, options)


@variant(styles=KERAS, **CHOICES)
def ResNet50(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-50: 16 bottlenecks, 25.6 M parameters, 3.9 G multiply-accumulates (4.1 as v1.5)."""
    return resnet(SPECS["ResNet50"], include_top, options)


@variant(styles=KERAS, **CHOICES)
def ResNet101(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-101: 33 bottlenecks, 44.5 M parameters, 7.6 G multiply-accumulates."""
    return resnet(SPECS["ResNet101"], include_top, options)


@variant(styles=KERAS, **CHOICES)
def ResNet152(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-152: 50 bottlenecks, 60.2 M parameters, 11.3 G multiply-accumulates."""
    return resnet(SPECS["ResNet152"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def PlainNet18(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-18 without shortcuts, the paper's plain network."""
    return resnet(SPECS["ResNet18"], include_top, options, residual=False)


@variant(styles=TORCH, **CHOICES)
def PlainNet34(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-34 without shortcuts. It trains worse than PlainNet18 (figure 4)."""
    return resnet(SPECS["ResNet34"], include_top, options, residual=False)


@variant(styles=TORCH, **CHOICES)
def ResNeXt50(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNeXt-50 (32x4d): 3x3 convolutions of 32 groups, 25.0 M parameters, 4.2 G."""
    return resnet(SPECS["ResNeXt50"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def ResNeXt101(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNeXt-101 (32x8d): 3x3 convolutions of 32 groups, 88.8 M parameters, 16.4 G."""
    return resnet(SPECS["ResNeXt101"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def ResNeXt101_64x4d(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNeXt-101 (64x4d): 3x3 convolutions of 64 groups, 83.5 M parameters, 15.5 G."""
    return resnet(SPECS["ResNeXt101_64x4d"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def WideResNet50_2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """WRN-50-2-bottleneck: ResNet-50, twice as wide inside, 68.9 M parameters, 11.4 G."""
    return resnet(SPECS["WideResNet50_2"], include_top, options)


@variant(styles=TORCH, **CHOICES)
def WideResNet101_2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """ResNet-101, twice as wide inside: 126.9 M parameters, 22.8 G."""
    return resnet(SPECS["WideResNet101_2"], include_top, options)
