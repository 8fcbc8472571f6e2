"""Detectors with one map of cells: CenterNet, and FOMO for microcontrollers."""

from typing import Any

import keras
from keras import layers

from kerascnn import arguments
from kerascnn.errors import InputError
from kerascnn.layers import HeatPeaks, PointBoxes
from kerascnn.transfer import detector
from kerascnn.transfer.detector import BOXES, LOGITS, SCORES
from kerascnn.transfer.feature_extractor import feature_extractor, refuse_taken_names
from kerascnn.transfer.parts import HEAD_PREFIX

Tensor = Any

CENTERNET_STRIDE, FOMO_STRIDE = 4, 8


def attach_centernet(
    backbone: keras.Model,
    classes: int,
    *,
    channels: int = 64,
    preprocessing: str | keras.layers.Layer | None = None,
    name: str | None = None,
) -> keras.Model:
    """Puts CenterNet's head upon a backbone: a heat map of the middles of objects.

    The maps of 1/32 to 1/4 of the image's side are added from coarse to fine, with depthwise
    separable convolutions between. Upon the last one two branches say how much each cell looks like
    the middle of an object of each class, and how far the edges of its box are. Objects are the
    peaks of the heat map (Zhou et al. 2019, Objects as Points, arXiv:1904.07850): a cell keeps its
    score if no neighbour has a higher one. Trained in the form of `training_form` by
    `kerascnn.losses.HeatmapLoss`.

    Args:
        backbone: Any built model with one input of known size that has maps of these resolutions.
        classes: How many there are.
        channels: Of the maps that are added, and of the branches.
        preprocessing: What is done to raw pixels before the backbone, as in `attach_head`.
        name: Of the model; by default that of the backbone and "_centernet".

    Returns:
        A model with the outputs of `attach_detector`: scores (batch, cells, classes) and boxes
        (batch, cells, 4).

    Raises:
        InputError: A value that cannot be used, or a backbone without such maps.
    """
    classes, channels = (
        arguments.whole(option, value)
        for option, value in (("classes", classes), ("channels", channels))
    )
    extractor = feature_extractor(backbone, detector.end_of(backbone), preprocessing)
    refuse_taken_names(extractor, (BOXES, LOGITS, SCORES))
    maps = detector.pyramid_of(extractor, (4, 8, 16, 32))
    x = None
    for level, (found, size) in reversed(list(enumerate(maps, start=2))):
        lateral = detector.lateral_of(found, size, channels, level)
        if x is not None:
            up = detector.resized_to(x, size, f"{HEAD_PREFIX}up{level}")
            lateral = layers.Add(name=f"{HEAD_PREFIX}top_down{level}_add")([lateral, up])
        x = detector.separable_conv(lateral, channels, f"{HEAD_PREFIX}top_down{level}")
    heat, distances = (
        detector.Branch(kind, channels, 1, count)(x, 2)
        for kind, count in detector.branch_outputs(classes)
    )
    return _model(extractor, heat, distances, name or f"{backbone.name}_centernet", peaks=True)


def attach_fomo(
    backbone: keras.Model,
    classes: int,
    *,
    channels: int = 32,
    preprocessing: str | keras.layers.Layer | None = None,
    name: str | None = None,
) -> keras.Model:
    """Puts FOMO's head upon the first layers of a backbone, for microcontrollers.

    The map of 1/8 of the image's side, what comes behind it in the backbone left out, and a 1x1
    convolution: each cell says whether it holds the middle of an object of each class ("Faster
    Objects, More Objects", Edge Impulse 2022). Two things differ: each class has a score of its
    own, so that outputs are those of every detector here, and another 1x1 convolution says how far
    the edges of a box are, which the original leaves out. Trained in the form of `training_form` by
    `kerascnn.losses.CellLoss`.

    Args:
        backbone: Any built model with one input of known size that has such a map.
        classes: How many there are.
        channels: Of the convolution between.
        preprocessing: What is done to raw pixels before the backbone, as in `attach_head`.
        name: Of the model; by default that of the backbone and "_fomo".

    Returns:
        As `attach_centernet`.

    Raises:
        InputError: A value that cannot be used, or a backbone without such a map.
    """
    classes, channels = (
        arguments.whole(option, value)
        for option, value in (("classes", classes), ("channels", channels))
    )
    extractor = feature_extractor(backbone, detector.end_of(backbone), preprocessing)
    refuse_taken_names(extractor, (BOXES, LOGITS, SCORES))
    ((found, size),) = detector.pyramid_of(extractor, (FOMO_STRIDE,))
    x = detector.lateral_of(found, size, channels, 3)
    heat, distances = (
        detector.Branch(kind, channels, 0, count)(x, 3)
        for kind, count in detector.branch_outputs(classes)
    )
    return _model(extractor, heat, distances, name or f"{backbone.name}_fomo", peaks=False)


def cells(model: keras.Model) -> tuple[int, int]:
    """The rows and columns of cells of such a detector, in any form.

    Raises:
        InputError: It is none.
    """
    for layer in model.layers:
        if layer.name == f"{HEAD_PREFIX}heat":
            return layer.output.shape[1], layer.output.shape[2]
    raise InputError(f"{model.name!r} is no detector of `attach_centernet` or `attach_fomo`.")


def _model(
    extractor: keras.Model, heat: Tensor, distances: Tensor, name: str, *, peaks: bool
) -> keras.Model:
    classes = heat.shape[-1]
    heat = layers.Identity(dtype="float32", name=f"{HEAD_PREFIX}heat")(heat)
    logits = layers.Reshape((-1, classes), dtype="float32", name=LOGITS)(heat)
    boxes = PointBoxes(dtype="float32", name=BOXES)(distances)
    scores = layers.Activation("sigmoid", dtype="float32", name=SCORES)(logits)
    if peaks:
        scores = HeatPeaks(*heat.shape[1:3], dtype="float32", name=detector.PEAKS)(scores)
    return keras.Model(extractor.inputs[0], [scores, boxes], name=name)
