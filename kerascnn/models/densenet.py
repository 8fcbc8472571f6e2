"""DenseNet: every layer of a block sees the maps of all layers before it.

Huang, Liu, van der Maaten, Weinberger, Densely Connected Convolutional Networks, CVPR 2017,
arXiv:1608.06993, table 1: the forms with bottlenecks and compression (DenseNet-BC), growth rate 32;
DenseNet-161, with growth rate 48, is in the authors' repository and in torchvision.
keras.applications and torchvision agree on everything but epsilon and momentum, which `style`
chooses.

`stage2` to `stage4` are the normalised and activated maps of a block, before the transition
convolves and pools them; `stage5` is what the head takes.
"""

from dataclasses import dataclass
from typing import Literal, Unpack

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
    IMAGENET,
    ModelOptions,
    NormKind,
    Styles,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
)
from kerascnn.models._residual import INITIALIZER


@dataclass(frozen=True)
class Spec:
    """A column of table 1.

    Attributes:
        depths: Dense layers per block.
        growth: Maps that each of them adds.
        stem: Filters of the first convolution.
    """

    depths: tuple[int, int, int, int]
    growth: int = 32
    stem: int = 64


SPECS = {
    "DenseNet121": Spec((6, 12, 24, 16)),
    "DenseNet161": Spec((6, 12, 36, 24), growth=48, stem=96),
    "DenseNet169": Spec((6, 12, 32, 32)),
    "DenseNet201": Spec((6, 12, 48, 32)),
}


class DenseNetOptions(ModelOptions, total=False):
    """Adds the library whose epsilon is followed, and the normalisation.

    Attributes:
        style: "keras" or "torch": whose epsilon; None follows the weights.
        norm: "batch", "group", "layer" or None.
    """

    style: Literal["keras", "torch"] | None
    norm: NormKind | None


def dense_layer(x: Tensor, growth: int, norm: Norm, name: str) -> Tensor:
    """Adds `growth` maps to x: normalise, activate, 1x1 to 4 * growth; the same with 3x3."""
    bias = norm.kind is None
    y = activate(norm(x, f"{name}_0_norm"), "relu", f"{name}_0_act")
    y = conv_norm(y, 4 * growth, 1, name=f"{name}_1", norm=norm, kernel_initializer=INITIALIZER)
    y = conv(y, growth, 3, name=f"{name}_2_conv", use_bias=bias, kernel_initializer=INITIALIZER)
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def backbone(x: Tensor, spec: Spec, norm: Norm) -> Tensor:
    """From images to the maps of `stage5`."""
    x = conv_norm(
        x,
        spec.stem,
        7,
        2,
        name="stem",
        padding="symmetric",
        norm=norm,
        activation_name="stage1",
        kernel_initializer=INITIALIZER,
    )
    x = max_pool(x, 3, 2, name="stem_pool", padding="symmetric")
    for stage, depth in enumerate(spec.depths, start=2):
        for index in range(depth):
            x = dense_layer(x, spec.growth, norm, f"stage{stage}_{index}")
        x = activate(norm(x, f"stage{stage}_norm"), "relu", f"stage{stage}")
        if stage < 5:
            x = conv(
                x,
                x.shape[-1] // 2,
                1,
                name=f"stage{stage}_transition_conv",
                use_bias=norm.kind is None,
                kernel_initializer=INITIALIZER,
            )
            x = layers.AveragePooling2D(2, name=f"stage{stage}_transition_pool")(x)
    return x


def densenet(spec: Spec, include_top: bool, options: DenseNetOptions) -> keras.Model:
    """Builds a variant."""
    epsilon, momentum = (1.001e-5, 0.99) if options["style"] == "keras" else (1e-5, 0.9)
    norm = Norm(options["norm"], epsilon, momentum)
    return build(
        lambda x: backbone(x, spec, norm),
        lambda x: predictions(global_average_head(x), options),
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=IMAGENET,
        include_top=include_top,
        options=options,
    )


@variant(styles=Styles(), style=None, norm="batch")
def DenseNet121(
    include_top: bool = True, weights: Weights = None, **options: Unpack[DenseNetOptions]
) -> keras.Model:
    """DenseNet-121: 8.0 M parameters. Takes raw images of any size from 32."""
    return densenet(SPECS["DenseNet121"], include_top, options)


@variant(styles=Styles(), style=None, norm="batch")
def DenseNet161(
    include_top: bool = True, weights: Weights = None, **options: Unpack[DenseNetOptions]
) -> keras.Model:
    """DenseNet-161: 28.7 M parameters. Takes raw images of any size from 32."""
    return densenet(SPECS["DenseNet161"], include_top, options)


@variant(styles=Styles(), style=None, norm="batch")
def DenseNet169(
    include_top: bool = True, weights: Weights = None, **options: Unpack[DenseNetOptions]
) -> keras.Model:
    """DenseNet-169: 14.1 M parameters. Takes raw images of any size from 32."""
    return densenet(SPECS["DenseNet169"], include_top, options)


@variant(styles=Styles(), style=None, norm="batch")
def DenseNet201(
    include_top: bool = True, weights: Weights = None, **options: Unpack[DenseNetOptions]
) -> keras.Model:
    """DenseNet-201: 20.0 M parameters. Takes raw images of any size from 32."""
    return densenet(SPECS["DenseNet201"], include_top, options)
