"""Which layers of a backbone are trained."""

import difflib
import logging
import math
import re
from dataclasses import dataclass

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.transfer.parts import Parts, has_weights, split
from kerascnn.transfer.phases import BATCH_NORM

logger = logging.getLogger("kerascnn.transfer")

# What these variables hold in a model that was never trained.
_NEW = {"bias": 0, "beta": 0, "gamma": 1, "moving_mean": 0, "moving_variance": 1}


@dataclass(frozen=True)
class Frozen:
    """What `freeze` left to train.

    Attributes:
        trainable_parameters: Numbers that training changes.
        frozen_parameters: All others, statistics of batch normalisation among them.
        first_trainable: Name of the first layer with something to train.
    """

    trainable_parameters: int
    frozen_parameters: int
    first_trainable: str


@keras_words()
def freeze(
    model: keras.Model,
    until: str | int | float = "head",
    *,
    batch_norm: str = "frozen",
    head: str | None = None,
) -> Frozen:
    """Freezes a backbone up to a layer and makes all after it trainable, the head always.

    It decides for every layer, whatever `trainable` was before. Only layers are frozen; nested
    models and the model itself stay trainable, as Keras reads a frozen container as frozen
    throughout.

    A compiled model must be compiled again, since Keras keeps what was trainable then. So that
    this is not forgotten, `fit` on it is an error until `compile` is called.

    Args:
        model: A classifier that `kerascnn.transfer.split` can take apart; its layers may be in
            nested models.
        until: Where training begins, in the order of computation:
            "head": nothing of the backbone is trained; "none" or 0.0: all of it;
            a name: that layer is the first that is trained. A stage's name, such as "stage4",
            is that of its last layer and freezes the whole stage: layers after it are trained;
            a whole number: index of the first trained layer among `split(model).backbone`,
            negative from the end; a fraction in (0, 1): this share of the backbone's layers with
            weights, rounded, is frozen.
        batch_norm: "frozen": every batch normalisation of the backbone, in the trained part and
            inside composite layers too, uses and keeps its statistics; its scale and offset stay
            as well. "train": those of the trained part are trained and move their statistics.
            The head's are always trained.
        head: Name of the head's first layer, where `split` does not find it.

    Raises:
        InputError: A model that cannot be taken apart, or a place that it does not have.
    """
    if batch_norm not in BATCH_NORM:
        raise InputError(f"`batch_norm` must be one of {BATCH_NORM}. Received: {batch_norm!r}.")
    parts = split(model, head)
    count = _count(parts, until)
    _make_trainable(model)
    for layer in parts.backbone[:count]:
        layer.trainable = False
    if count:
        _freeze_variables_of_containers(model, parts)
    if batch_norm == "frozen":
        for layer in parts.backbone[count:]:
            for inner in layer._flatten_layers():
                if isinstance(inner, keras.layers.BatchNormalization):
                    inner.trainable = False
    model.compiled = False
    if until == "head" and _is_untrained(parts):
        logger.warning(
            "the frozen backbone of %r has random weights: all its biases and moving averages are "
            "those of a new model, so its features mean nothing. Load trained ones, such as "
            'weights="imagenet" or weights=FILE: in kerascnn the default is None, in '
            'keras.applications "imagenet".',
            model.name,
        )
    return _summary(model, parts)


def _is_untrained(parts: Parts) -> bool:
    """Whether every bias and moving average of a backbone that has some is still a new model's."""
    values = [
        (keras.ops.convert_to_numpy(variable), _NEW[name])
        for layer in parts.backbone
        for variable in layer.weights
        if (name := variable.path.rsplit("/", 1)[-1]) in _NEW
    ]
    return bool(values) and all(np.all(value == new) for value, new in values)


def _count(parts: Parts, until: str | int | float) -> int:
    """How many layers of the backbone are frozen."""
    backbone = parts.backbone
    if until == "head":
        return len(backbone)
    if until == "none":
        return 0
    if isinstance(until, str):
        return _place(parts, until)
    if isinstance(until, float) and 0 <= until <= 1:
        with_weights = [i for i, layer in enumerate(backbone) if has_weights(layer)]
        frozen = round(until * len(with_weights))
        return with_weights[frozen - 1] + 1 if frozen else 0
    if (
        isinstance(until, int)
        and not isinstance(until, bool)
        and -len(backbone) <= until <= len(backbone)
    ):
        return until if until >= 0 else len(backbone) + until
    raise InputError(
        '`until` must be "head", "none", the name of a layer, a fraction in 0..1, or an index '
        f"among the {len(backbone)} layers of the backbone. Received: {until!r}."
    )


def _place(parts: Parts, name: str) -> int:
    names = [layer.name for layer in parts.backbone]
    if name in names:
        is_stage = re.fullmatch(r"stage\d+", name) is not None
        return names.index(name) + is_stage
    if name in [layer.name for layer in parts.head]:
        raise InputError(f'`until`: the layer {name!r} is part of the head. Use "head".')
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    stages = [other for other in names if re.fullmatch(r"stage\d+", other)]
    raise InputError(
        f"`until`: the backbone has no layer {name!r}.{hint} "
        f"Its stages: {stages or 'none by that name'}; its last layers: {names[-6:]}."
    )


def _make_trainable(model: keras.Model) -> None:
    # On TensorFlow, Keras skips setting a value that is set, and with it what lies inside: each
    # layer is set by itself, and to something else first.
    layers = list(model._flatten_layers())
    for value in (False, True):
        for layer in layers:
            layer.trainable = value


def _freeze_variables_of_containers(model: keras.Model, parts: Parts) -> None:
    """Weights that a nested model has beside those of its layers."""
    of_layers = {
        id(variable) for layer in (*parts.backbone, *parts.head) for variable in layer.variables
    }
    for variable in model.trainable_variables:
        if id(variable) not in of_layers:
            variable.trainable = False


def _summary(model: keras.Model, parts: Parts) -> Frozen:
    trainable = _parameters(model.trainable_variables)
    first = next(layer for layer in (*parts.backbone, *parts.head) if layer.trainable_variables)
    return Frozen(trainable, _parameters(model.weights) - trainable, first.name)


def _parameters(variables: list[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
