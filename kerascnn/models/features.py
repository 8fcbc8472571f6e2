"""Feature maps of a model at several resolutions."""

import re
from collections.abc import Iterable, Sequence

import keras

from kerascnn.errors import InputError, received


def features(model: keras.Model, levels: Sequence[int] = (2, 3, 4, 5)) -> keras.Model:
    """A model that gives the feature maps of several resolutions, for detection or segmentation.

    The maps of level s are those of the layer `stage{s}`, whose side is 1 / 2**s of the image's
    (rounded up, or a few pixels less where a network pads less). Layers and weights are shared with
    `model`; what lies after the last level is left out.

    Args:
        model: A model of `kerascnn.models`, with or without its top.
        levels: Resolutions, in the order of the outputs.

    Returns:
        A model with one output per level, as a list.

    Raises:
        InputError: A level that the model does not have, or none asked for.
    """
    if not isinstance(levels, Iterable) or isinstance(levels, str):
        raise InputError(
            "`levels` must be numbers of levels, such as (2, 3, 4, 5). "
            f"Received: {received(levels)}."
        )
    wanted = list(levels)
    found = (re.fullmatch(r"stage(\d+)", layer.name) for layer in model.layers)
    present = sorted(int(match[1]) for match in found if match)
    if not wanted:
        raise InputError("`levels` must name at least one level, such as (2, 3, 4, 5).")
    if not present:
        raise InputError(
            f"the model {model.name!r} has no layers named stage0, stage1 ..., which hold the "
            "feature maps in models of kerascnn; their `Entry.stages` tells which have them."
        )
    absent = [level for level in wanted if level not in present]
    if absent:
        raise InputError(
            f"the model {model.name!r} has feature maps at the levels {present}. "
            f"Received: levels={tuple(wanted)}."
        )
    outputs = [model.get_layer(f"stage{level}").output for level in wanted]
    return keras.Model(model.inputs, outputs, name=f"{model.name}_features")
