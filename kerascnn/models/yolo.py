"""YOLO, the first: an object detector that looks at the picture once.

Redmon, Divvala, Girshick, Farhadi, You Only Look Once: Unified, Real-Time Object Detection,
CVPR 2016, arXiv:1506.02640, section 2.1 and figure 3, and its small form Fast YOLO, whose layers
are those of the authors' published configuration: nine convolutions and a dense layer of 256 units
without activation in front of the other two. No batch normalisation, as in the paper.
"""

from typing import Any, Unpack

import keras
from keras import layers

from kerascnn import arguments
from kerascnn.models._common import (
    UNIT,
    ModelOptions,
    Tensor,
    Weights,
    build,
    choose,
    output_dtype,
    variant,
    with_dropout,
)

# Filters and windows of figure 3; "M" halves the map by maxima, "/2" by the step of a convolution.
_BLOCK4 = ((256, 1), (512, 3)) * 4
_BLOCK5 = ((512, 1), (1024, 3)) * 2
_YOLO: tuple[Any, ...] = (
    *((64, 7, "/2"), "M", (192, 3), "M"),
    *((128, 1), (256, 3), (256, 1), (512, 3), "M"),
    *(*_BLOCK4, (512, 1), (1024, 3), "M"),
    *(*_BLOCK5, (1024, 3), (1024, 3, "/2"), (1024, 3), (1024, 3)),
)
_FAST: tuple[Any, ...] = (
    *((16, 3), "M", (32, 3), "M", (64, 3), "M", (128, 3), "M", (256, 3), "M", (512, 3), "M"),
    *((1024, 3), (1024, 3), (1024, 3)),
)
_SLOPE = 0.1  # of the leaky ReLU, equation 2


class YOLOOptions(ModelOptions, total=False):
    """Adds the grid.

    Attributes:
        grid: The cells along each side, S in the paper.
        boxes: Boxes that each cell predicts, B in the paper.
    """

    grid: int
    boxes: int


@variant(classes=20, classifier_activation=None, grid=7, boxes=2)
def YOLOv1(
    include_top: bool = True, weights: Weights = None, **options: Unpack[YOLOOptions]
) -> keras.Model:
    """YOLO with 24 convolutions. 271,703,550 parameters.

    Takes raw images (batch, 448, 448, 3), or other sizes from 64. Gives (batch, 7, 7, 30): of each
    cell two boxes (x, y, √w, √h, confidence), then a score for each of 20 classes; `GridBoxes`
    makes boxes of them, `kerascnn.losses.GridLoss` trains them. `dropout=None` is the paper's 0.5,
    `classifier_activation` is None as published, `pooling` is for use without the top.

    Args:
        include_top: Build the dense layers.
        weights: None, or a weight file.
        **options: See `YOLOOptions`.
    """
    return _yolo(_YOLO, (4096,), include_top, options)


@variant(classes=20, classifier_activation=None, grid=7, boxes=2)
def FastYOLO(
    include_top: bool = True, weights: Weights = None, **options: Unpack[YOLOOptions]
) -> keras.Model:
    """Fast YOLO: 9 convolutions. 45,089,374 parameters.

    Takes and gives what `YOLOv1` does.

    Args:
        include_top: Build the dense layers.
        weights: None, or a weight file.
        **options: See `YOLOOptions`.
    """
    return _yolo(_FAST, (256, 4096), include_top, options)


def _yolo(
    rows: tuple[Any, ...], widths: tuple[int, ...], include_top: bool, options: Any
) -> keras.Model:
    choose("classifier_activation", options["classifier_activation"], (None,))
    grid = arguments.whole("grid", options["grid"], most=1024)
    boxes = arguments.whole("boxes", options["boxes"], most=1024)
    options = with_dropout(options, 0.5)
    values = 5 * boxes + options["classes"]

    def head(x: Tensor) -> Tensor:
        x = layers.Flatten(name="flatten")(x)
        for place, width in enumerate(widths, start=1):
            x = layers.Dense(width, name=f"fc{place}")(x)
            if width == widths[-1]:
                x = _leaky(x, f"fc{place}_act")
        x = layers.Dropout(options["dropout"], name="dropout")(x)
        x = layers.Dense(grid * grid * values, dtype=output_dtype(), name="predictions")(x)
        return layers.Reshape((grid, grid, values), dtype=output_dtype(), name="grid")(x)

    return build(
        lambda x: _backbone(x, rows),
        head,
        default_shape=(448, 448, 3),
        min_size=64,
        fixed_size=include_top,
        preprocessing=UNIT,
        include_top=include_top,
        options=options,
    )


def _backbone(x: Tensor, rows: tuple[Any, ...]) -> Tensor:
    """Convolutions and poolings; the last layer of each resolution is named `stage{s}`."""
    number, level = 0, 0
    for place, row in enumerate(rows):
        follows = rows[place + 1] if place + 1 < len(rows) else "M"
        ends = follows == "M" or "/2" in follows
        if row == "M":
            level += 1
            x = layers.MaxPooling2D(2, name=f"stage{level}" if ends else f"pool{level}")(x)
            continue
        number += 1
        level += "/2" in row
        # The first convolution keeps the pixels of the picture: its map is no stage.
        name = f"stage{level}" if ends and level else f"conv{number}_act"
        x = _leaky(_conv(x, *row, name=f"conv{number}"), name)
    return x


def _conv(x: Tensor, filters: int, window: int, step: str = "", *, name: str) -> Tensor:
    if not step:
        return layers.Conv2D(filters, window, padding="same", name=f"{name}_conv")(x)
    # The same zeros on each side, as the authors' framework has them.
    x = layers.ZeroPadding2D(window // 2, name=f"{name}_pad")(x)
    return layers.Conv2D(filters, window, 2, name=f"{name}_conv")(x)


def _leaky(x: Tensor, name: str) -> Tensor:
    return layers.LeakyReLU(negative_slope=_SLOPE, name=name)(x)
