"""A detector upon a backbone: anchor-free, one stage, light enough for phones."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kerascnn import arguments
from kerascnn.errors import InputError
from kerascnn.layers import (
    BatchNormalization,
    DepthwiseConv2D,
    GridBoxes,
    HeatPeaks,
    PointBoxes,
)
from kerascnn.transfer.feature_extractor import feature_extractor, refuse_taken_names
from kerascnn.transfer.parts import HEAD_PREFIX

Tensor = Any

STRIDES = (8, 16, 32)  # of the levels 3, 4 and 5
BOXES, LOGITS, SCORES = "boxes", "logits", "scores"  # layers, the last and first also outputs
JOINED = "boxes_and_logits"
PEAKS, GRID = "peaks", "grid"  # layers of other detectors: a heat map's peaks, YOLO's grid
_PRIOR = 0.01  # of an object at a point before training (arXiv:1708.02002, section 4.1)
_DISTANCE = 1.8  # before the softplus: boxes begin with a side of four cells
_MOMENTUM, _EPSILON = 0.9, 1e-3  # as in `heads`: trained for a few thousand steps only


def attach_detector(
    backbone: keras.Model,
    classes: int,
    *,
    channels: int = 96,
    depth: int = 2,
    preprocessing: str | keras.layers.Layer | None = None,
    name: str | None = None,
) -> keras.Model:
    """Puts a detector upon a backbone: a feature pyramid, and a head at each of its points.

    The maps of 1/8, 1/16 and 1/32 of the image's side are brought to `channels`, added downwards
    and upwards (path aggregation, arXiv:1803.01534) with depthwise separable convolutions between.
    One head with a branch for classes and one for boxes (arXiv:2107.08430) is applied to all three;
    its convolutions are shared, its batch normalisation is not (arXiv:2212.07784, section 3.2). Of
    each point it says how far the edges of a box are (FCOS, arXiv:1904.01355), and how well the box
    fits an object of each class: scores that need no objectness (arXiv:2006.04388).

    It is trained in the form that `training_form` gives, by `kerascnn.losses.DetectionLoss`.

    Args:
        backbone: Any built model with one input of known size that has maps of these resolutions:
            those of the last layer of each resolution are taken, before pooling to vectors. Models
            of kerascnn and of keras.applications, with or without their top.
        classes: How many there are.
        channels: Of the pyramid and the head.
        depth: Separable convolutions of each branch of the head.
        preprocessing: What is done to raw pixels before the backbone, as in `attach_head`.
        name: Of the model; by default that of the backbone and "_detector".

    Returns:
        A model from images (batch, height, width, channels) to two outputs: scores (batch, points,
        classes) in 0..1, and boxes (batch, points, 4), their top, left, bottom and right edge as
        shares of the picture. Many points speak of one object: the best of the boxes that
        overlap is `kerascnn.tasks.detections.detections`.

    Raises:
        InputError: A value that cannot be used, or a backbone without such maps.
    """
    classes = arguments.whole("classes", classes)
    channels, depth = arguments.whole("channels", channels), arguments.whole("depth", depth)
    extractor = feature_extractor(backbone, end_of(backbone), preprocessing)
    refuse_taken_names(extractor, (BOXES, LOGITS, SCORES))
    maps = [
        lateral_of(x, shape, channels, level)
        for level, (x, shape) in enumerate(pyramid_of(extractor), start=3)
    ]
    maps = _aggregated(maps, channels)
    branches = {
        kind: Branch(kind, channels, depth, count) for kind, count in branch_outputs(classes)
    }
    boxes, logits = [], []
    for level, x in enumerate(maps, start=3):
        distances = branches["box"](x, level)
        boxes.append(PointBoxes(dtype="float32", name=f"{HEAD_PREFIX}boxes{level}")(distances))
        x = branches["class"](x, level)
        rows = layers.Reshape((-1, classes), dtype="float32", name=f"{HEAD_PREFIX}logits{level}")
        logits.append(rows(x))
    boxes = layers.Concatenate(axis=1, dtype="float32", name=BOXES)(boxes)
    logits = layers.Concatenate(axis=1, dtype="float32", name=LOGITS)(logits)
    name = name or f"{backbone.name}_detector"
    return keras.Model(extractor.inputs[0], [_scores(logits), boxes], name=name)


def training_form(model: keras.Model) -> keras.Model:
    """A detector with one output for its loss: (batch, points, 4 + classes), boxes and logits.

    Layers and weights are shared. The loss of scores depends on boxes, and Keras gives a loss one
    output. YOLO's networks are in this form as they are made.

    Raises:
        InputError: It is no detector of `kerascnn.transfer` or `kerascnn.models`.
    """
    if _layer(model, GRID) is not None:
        return keras.Model(model.inputs[0], _named(model, GRID), name=model.name)
    joined = layers.Concatenate(axis=-1, dtype="float32", name=JOINED)
    outputs = joined([_named(model, BOXES), _named(model, LOGITS)])
    return keras.Model(model.inputs[0], outputs, name=model.name)


def inference_form(model: keras.Model, boxes: int = 2) -> keras.Model:
    """A detector from its `training_form`, with two outputs: scores and boxes.

    Args:
        model: Of `training_form`, or one of YOLO's networks.
        boxes: Of each cell, of YOLO's networks.

    Raises:
        InputError: It is no detector of `kerascnn.transfer` or `kerascnn.models`.
    """
    if _layer(model, GRID) is not None:
        found = GridBoxes(boxes, dtype="float32", name="grid_boxes")(_named(model, GRID))
        outputs = [found[..., 4:], found[..., :4]]
        return keras.Model(model.inputs[0], outputs, name=model.name)
    logits = _named(model, LOGITS)
    scores = _scores(logits)
    heat = _layer(model, f"{HEAD_PREFIX}heat")
    if heat is not None and _layer(model, f"{HEAD_PREFIX}top_down2_add") is not None:
        scores = HeatPeaks(*heat.output.shape[1:3], dtype="float32", name=PEAKS)(scores)
    return keras.Model(model.inputs[0], [scores, _named(model, BOXES)], name=model.name)


def grid_sizes(
    height: int, width: int, strides: Sequence[int] = STRIDES
) -> tuple[tuple[int, int], ...]:
    """The (rows, columns) of points of each level, for images of a size."""
    return tuple((math.ceil(height / stride), math.ceil(width / stride)) for stride in strides)


def _shares(strides: Sequence[int]) -> str:
    """Such as "1/8, 1/16 and 1/32"."""
    *first, last = (f"1/{stride}" for stride in strides)
    return f"{', '.join(first)} and {last}" if first else last


def _layer(model: keras.Model, name: str) -> keras.layers.Layer | None:
    return next((layer for layer in model.layers if layer.name == name), None)


def _named(model: keras.Model, name: str) -> Tensor:
    layer = _layer(model, name)
    if layer is None:
        raise InputError(
            f"{model.name!r} is no detector of `attach_detector`: it has no layer {name!r}."
        )
    return layer.output


def _scores(logits: Tensor) -> Tensor:
    return layers.Activation("sigmoid", dtype="float32", name=SCORES)(logits)


def branch_outputs(classes: int) -> Sequence[tuple[str, int]]:
    return ("class", classes), ("box", 4)


def end_of(backbone: Any) -> str | None:
    """The last layer of a functional model that gives maps: what comes after is its old top."""
    graph = getattr(backbone, "_functional", None) or backbone
    for operation in reversed(getattr(graph, "operations", ())):
        shape: tuple[Any, ...] = getattr(getattr(operation, "output", None), "shape", ())
        if len(shape) == 4 and shape[1] is not None and max(shape[1:3]) > 1:
            return str(operation.name)
    return None


def pyramid_of(
    extractor: keras.Model, strides: Sequence[int] = STRIDES
) -> list[tuple[Tensor, tuple[int, int]]]:
    """The last map of each resolution, and the size that its level shall have."""
    height, width = extractor.inputs[0].shape[1:3]
    if height is None or width is None:
        raise InputError(
            "a detector needs a backbone of known image size, such as input_shape=(320, 320, 3). "
            f"{extractor.name!r} takes {tuple(extractor.inputs[0].shape)}."
        )
    found: list[tuple[Tensor, tuple[int, int]]] = []
    sizes = grid_sizes(height, width, strides)
    values = [
        operation.output
        for operation in extractor.operations
        if keras.backend.is_keras_tensor(getattr(operation, "output", None))
    ]
    for stride, size in zip(strides, sizes, strict=True):
        fitting = [
            value
            for value in values
            if len(value.shape) == 4
            and None not in value.shape[1:3]
            # Networks that do not pad lose some rows of their maps.
            and all(
                0.6 * own <= side <= own + 1
                for side, own in zip(value.shape[1:3], size, strict=True)
            )
        ]
        if not fitting:
            raise InputError(
                f"a detector needs maps of {_shares(strides)} of the image's side. "
                f"{extractor.name!r} has none of 1/{stride}, about {size[0]}x{size[1]} for images "
                f"of {height}x{width}. Choose another backbone, or larger images."
            )
        found.append((fitting[-1], size))
    return found


def lateral_of(x: Tensor, size: tuple[int, int], channels: int, level: int) -> Tensor:
    x = _pointwise(x, channels, f"{HEAD_PREFIX}lateral{level}")
    return resized_to(x, size, f"{HEAD_PREFIX}lateral{level}_resize")


def resized_to(x: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """A map in another size.

    Bilinear: the CPU delegate of TFLite resizes so, and leaves nearest neighbours to slower code.
    """
    if tuple(x.shape[1:3]) == size:
        return x
    return layers.Resizing(*size, interpolation="bilinear", name=name)(x)


def _aggregated(maps: Sequence[Tensor], channels: int) -> list[Tensor]:
    """Coarse maps added to finer ones, then finer ones to coarser ones."""
    down = [maps[-1]]
    for level in (4, 3):
        finer = maps[level - 3]
        up = resized_to(down[0], tuple(finer.shape[1:3]), f"{HEAD_PREFIX}up{level}")
        x = layers.Add(name=f"{HEAD_PREFIX}top_down{level}_add")([finer, up])
        down.insert(0, separable_conv(x, channels, f"{HEAD_PREFIX}top_down{level}"))
    out = [down[0]]
    for level in (4, 5):
        coarser = down[level - 3]
        x = separable_conv(out[-1], channels, f"{HEAD_PREFIX}down{level}", stride=2)
        x = resized_to(x, tuple(coarser.shape[1:3]), f"{HEAD_PREFIX}down{level}_resize")
        x = layers.Add(name=f"{HEAD_PREFIX}bottom_up{level}_add")([coarser, x])
        out.append(separable_conv(x, channels, f"{HEAD_PREFIX}bottom_up{level}"))
    return out


def _normalized(x: Tensor, name: str) -> Tensor:
    x = BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{name}_norm")(x)
    return layers.Activation("relu6", name=f"{name}_act")(x)


def _pointwise(x: Tensor, channels: int, name: str) -> Tensor:
    return _normalized(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_conv")(x), name)


def _depthwise(name: str, stride: int = 1) -> keras.layers.Layer:
    kind = DepthwiseConv2D if stride == 1 else layers.DepthwiseConv2D
    return kind(5, stride, padding="same", use_bias=False, name=f"{name}_dwconv")


def separable_conv(x: Tensor, channels: int, name: str, stride: int = 1) -> Tensor:
    return _pointwise(_depthwise(name, stride)(x), channels, name)


class Branch:
    """Separable convolutions and a last 1x1 convolution, shared by the levels."""

    def __init__(self, kind: str, channels: int, depth: int, outputs: int):
        self._names = [f"{HEAD_PREFIX}{kind}{number}" for number in range(1, depth + 1)]
        self._depthwise = [_depthwise(name) for name in self._names]
        self._pointwise = [
            layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_conv") for name in self._names
        ]
        bias = _DISTANCE if kind == "box" else math.log(_PRIOR / (1 - _PRIOR))
        self._last = layers.Conv2D(
            outputs,
            1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            bias_initializer=keras.initializers.Constant(bias),
            name=f"{HEAD_PREFIX}{kind}",
        )

    def __call__(self, x: Tensor, level: int) -> Tensor:
        steps = zip(self._names, self._depthwise, self._pointwise, strict=True)
        for name, depthwise, pointwise in steps:
            x = _normalized(pointwise(depthwise(x)), f"{name}_level{level}")
        return self._last(x)
