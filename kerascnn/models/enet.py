"""ENet's encoder as a classifier: few maps, early downsampling, dilated and flat windows.

Paszke, Chaurasia, Kim, Culurciello, ENet: A Deep Neural Network Architecture for Real-Time Semantic
Segmentation, arXiv:1606.02147, table 1 and figure 2. The paper's network is for segmentation; this
is its encoder, stages 1 to 3, with the averages of its 128 maps and one dense layer on top.

The encoder has 337,519 parameters; the paper's 0.37 M are those of the whole network, with the
decoder. The authors' code keeps biases in the 3x3 convolutions before a batch normalisation, which
takes them away again; ours has none.
"""

from dataclasses import dataclass
from typing import Unpack

import keras
from keras import layers, ops

from kerascnn.models._blocks import Norm, conv, global_average_head
from kerascnn.models._common import (
    UNIT,
    ModelOptions,
    Tensor,
    Weights,
    build,
    predictions,
    variant,
)

NORM = Norm(epsilon=1e-3)
# Filters within a bottleneck: its output's, divided by this.
SQUEEZE = 4


@dataclass(frozen=True)
class Bottleneck:
    """A row of table 1.

    Attributes:
        down: Halve the resolution.
        dilation: Of its 3x3 window.
        flat: Length of an n x 1 and a 1 x n window that replace the 3x3 one; 0 for none.
    """

    down: bool = False
    dilation: int = 1
    flat: int = 0


@dataclass(frozen=True)
class Stage:
    """Bottlenecks of equal width; `rate` is their spatial dropout (section 4)."""

    filters: int
    rate: float
    rows: tuple[Bottleneck, ...]


PLAIN, DOWN, FLAT = Bottleneck(), Bottleneck(down=True), Bottleneck(flat=5)
SECTION = (
    *(PLAIN, Bottleneck(dilation=2), FLAT, Bottleneck(dilation=4)),
    *(PLAIN, Bottleneck(dilation=8), FLAT, Bottleneck(dilation=16)),
)
STAGES = {2: Stage(64, 0.01, (DOWN, *(PLAIN,) * 4)), 3: Stage(128, 0.1, (DOWN, *SECTION * 2))}


@variant()
def ENet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[ModelOptions]
) -> keras.Model:
    """ENet's encoder. 466,519 parameters, of which 129,000 are the dense layer's.

    Takes raw images (batch, 224, 224, 3), or any other size. Without the top it gives the maps
    (batch, 28, 28, 128) that the paper's decoder takes.

    Args:
        include_top: Build the average and the dense layer.
        weights: None, or a weight file.
        **options: See `ModelOptions`.
    """
    return build(
        backbone,
        lambda x: predictions(global_average_head(x), options),
        default_shape=(224, 224, 3),
        min_size=16,
        fixed_size=False,
        preprocessing=UNIT,
        include_top=include_top,
        options=options,
    )


def backbone(x: Tensor) -> Tensor:
    """The initial block and the stages."""
    maps = conv(x, 16 - x.shape[-1], 3, 2, name="stem_conv", padding="symmetric", use_bias=False)
    pooled = layers.MaxPooling2D(2, padding="same", name="stem_pool")(x)
    x = layers.Concatenate(name="stem_concat")([maps, pooled])
    x = prelu(NORM(x, "stem_norm"), "stage1")
    for level, stage in STAGES.items():
        for place, row in enumerate(stage.rows):
            last = f"stage{level}" if place == len(stage.rows) - 1 else None
            x = bottleneck(x, stage, row, f"stage{level}_{place}", last)
    return x


def bottleneck(x: Tensor, stage: Stage, row: Bottleneck, name: str, last: str | None) -> Tensor:
    """Figure 2b: the maps themselves, or their maxima, plus what a squeezed branch adds."""
    inner, side = stage.filters // SQUEEZE, 2 if row.down else 1
    y = conv(x, inner, side, side, name=f"{name}_1_conv", use_bias=False)
    y = prelu(NORM(y, f"{name}_1_norm"), f"{name}_1_act")
    if row.flat:
        y = conv(y, inner, (row.flat, 1), name=f"{name}_2a_conv", use_bias=False)
        y = conv(y, inner, (1, row.flat), name=f"{name}_2_conv", use_bias=False)
    else:
        y = conv(y, inner, 3, name=f"{name}_2_conv", dilation=row.dilation, use_bias=False)
    y = prelu(NORM(y, f"{name}_2_norm"), f"{name}_2_act")
    y = NORM(conv(y, stage.filters, 1, name=f"{name}_3_conv", use_bias=False), f"{name}_3_norm")
    y = layers.SpatialDropout2D(stage.rate, name=f"{name}_drop")(y)
    if row.down:
        missing = stage.filters - x.shape[-1]
        x = layers.MaxPooling2D(2, padding="same", name=f"{name}_pool")(x)
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return prelu(layers.Add(name=f"{name}_add")([x, y]), last or f"{name}_out")


def prelu(x: Tensor, name: str) -> Tensor:
    """One slope per map, 0.25 at first (arXiv:1502.01852)."""
    start = keras.initializers.Constant(0.25)
    return layers.PReLU(start, shared_axes=[1, 2], name=name)(x)
