"""ConvNeXt: a residual network modernised step by step towards the design of transformers.

Liu et al., A ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545. The networks of keras.applications
and torchvision are the same in every detail; keras.applications runs the 7x7 depthwise step as a
grouped convolution, which is many times slower.
"""

from dataclasses import dataclass
from typing import Any, Literal, Unpack

import keras
from keras import layers

from kerascnn.layers import (
    Activation,
    BatchNormalization,
    DepthwiseConv2D,
    LayerNormalization,
    LayerScale,
    StochasticDepth,
)
from kerascnn.layers.stochastic_depth import linear_rates
from kerascnn.models._common import (
    IMAGENET,
    ModelOptions,
    Tensor,
    Weights,
    build,
    choose,
    predictions,
    variant,
)

Norm = Literal["layer", "batch"]


@dataclass(frozen=True)
class Spec:
    """A row of the paper's section 3: blocks and channels of the four stages."""

    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]


TINY = Spec((3, 3, 9, 3), (96, 192, 384, 768))
SMALL = Spec((3, 3, 27, 3), (96, 192, 384, 768))
BASE = Spec((3, 3, 27, 3), (128, 256, 512, 1024))
LARGE = Spec((3, 3, 27, 3), (192, 384, 768, 1536))
XLARGE = Spec((3, 3, 27, 3), (256, 512, 1024, 2048))


class ConvNeXtOptions(ModelOptions, total=False):
    """Adds stochastic depth, layer scale and the normalisation.

    Attributes:
        drop_path_rate: Rate of stochastic depth at the last block, in [0, 1); the paper trains T,
            S, B and L with 0.1, 0.4, 0.5 and 0.5.
        layer_scale_init_value: First value of the factors on the branches; None for no factors.
        norm: "layer", or "batch" (section 2.6).
    """

    drop_path_rate: float
    layer_scale_init_value: float | None
    norm: Norm


OPTIONS: dict[str, Any] = {"drop_path_rate": 0.0, "layer_scale_init_value": 1e-6, "norm": "layer"}


@variant(**OPTIONS)
def ConvNeXtTiny(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ConvNeXtOptions]
) -> keras.Model:
    """ConvNeXt-T: 28.6 M parameters and 4.5 G multiply-accumulates.

    Takes raw images (batch, 224, 224, 3), or any size from 32. Without the top, the feature maps
    (or their pooled vector) are normalised, as in keras.applications; the layer `stage5` has them
    as they are.

    Args:
        include_top: Build average pooling, normalisation and the output.
        weights: None, the tag of published weights, or a weight file.
        **options: See `ConvNeXtOptions`.
    """
    return _convnext(TINY, include_top, options)


@variant(**OPTIONS)
def ConvNeXtSmall(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ConvNeXtOptions]
) -> keras.Model:
    """ConvNeXt-S: 50.2 M parameters, 8.7 G multiply-accumulates. See `ConvNeXtTiny`."""
    return _convnext(SMALL, include_top, options)


@variant(**OPTIONS)
def ConvNeXtBase(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ConvNeXtOptions]
) -> keras.Model:
    """ConvNeXt-B: 88.6 M parameters, 15.4 G multiply-accumulates. See `ConvNeXtTiny`."""
    return _convnext(BASE, include_top, options)


@variant(**OPTIONS)
def ConvNeXtLarge(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ConvNeXtOptions]
) -> keras.Model:
    """ConvNeXt-L: 198 M parameters, 34.4 G multiply-accumulates. See `ConvNeXtTiny`."""
    return _convnext(LARGE, include_top, options)


@variant(**OPTIONS)
def ConvNeXtXLarge(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ConvNeXtOptions]
) -> keras.Model:
    """ConvNeXt-XL: 350 M parameters, 60.9 G multiply-accumulates. See `ConvNeXtTiny`."""
    return _convnext(XLARGE, include_top, options)


def _convnext(spec: Spec, include_top: bool, options: ConvNeXtOptions) -> keras.Model:
    norm = choose("norm", options["norm"], ("layer", "batch"))
    pooling = choose("pooling", options["pooling"], (None, "avg", "max"))
    rate, scale = options["drop_path_rate"], options["layer_scale_init_value"]

    # Pooling without the top is done in `pooled`, before the normalisation.
    prepared: ConvNeXtOptions = {**options, "pooling": None}

    def backbone(x: Tensor) -> Tensor:
        x = _conv(x, spec.widths[0], 4, "stem_conv")
        x = normalize(x, norm, "stem_norm")
        rates = iter(linear_rates(rate, sum(spec.depths), reached=True))
        for level, (depth, width) in enumerate(zip(spec.depths, spec.widths, strict=True), start=2):
            if level > 2:
                x = normalize(x, norm, f"stage{level}_down_norm")
                x = _conv(x, width, 2, f"stage{level}_down_conv")
            for i in range(depth):
                y = branch(x, f"stage{level}_{i}", norm, scale, next(rates))
                last = i == depth - 1
                x = layers.Add(name=f"stage{level}" if last else f"stage{level}_{i}_add")([x, y])
        return x if include_top else pooled(x)

    def pooled(x: Tensor) -> Tensor:
        if pooling == "avg":
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        elif pooling == "max":
            x = layers.GlobalMaxPooling2D(name="max_pool")(x)
        return normalize(x, norm, "head_norm")

    def head(x: Tensor) -> Tensor:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        return predictions(normalize(x, norm, "head_norm"), options)

    return build(
        backbone,
        head,
        default_shape=(224, 224, 3),
        min_size=32,
        fixed_size=False,
        preprocessing=IMAGENET,
        include_top=include_top,
        options=prepared,
    )


def branch(x: Tensor, name: str, norm: Norm, scale: float | None, drop_rate: float) -> Tensor:
    """A block without its shortcut: mixing in space, then a two-layer network at each place."""
    width = x.shape[-1]
    x = DepthwiseConv2D(7, padding="same", depthwise_initializer=_initial(), name=f"{name}_dwconv")(
        x
    )
    x = normalize(x, norm, f"{name}_norm")
    x = layers.Dense(4 * width, kernel_initializer=_initial(), name=f"{name}_expand")(x)
    x = Activation("gelu", name=f"{name}_act")(x)
    x = layers.Dense(width, kernel_initializer=_initial(), name=f"{name}_project")(x)
    if scale is not None:
        x = LayerScale(scale, name=f"{name}_scale")(x)
    return StochasticDepth(drop_rate, name=f"{name}_drop")(x) if drop_rate else x


def normalize(x: Tensor, norm: Norm, name: str) -> Tensor:
    """Layer normalisation over the channels at each place, or batch normalisation."""
    if norm == "layer":
        return LayerNormalization(epsilon=1e-6, name=name)(x)
    return BatchNormalization(epsilon=1e-5, momentum=0.9, name=name)(x)


def _conv(x: Tensor, filters: int, window: int, name: str) -> Tensor:
    """Windows side by side: each pixel is seen once."""
    return layers.Conv2D(filters, window, window, kernel_initializer=_initial(), name=name)(x)


def _initial() -> keras.initializers.Initializer:
    """What the authors' code starts from."""
    return keras.initializers.TruncatedNormal(stddev=0.02)
