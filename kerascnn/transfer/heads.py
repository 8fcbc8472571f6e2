"""New heads for backbones: from feature maps, tokens or vectors to the answers of a task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.layers import BatchNormalization, CosineDense, OrdinalOutput
from kerascnn.transfer.feature_extractor import feature_extractor, refuse_taken_names
from kerascnn.transfer.parts import HEAD_PREFIX, LAST
from kerascnn.transfer.phases import HEADS as HEADS

Tensor = Any

# Task -> the activation that suits it.
TASKS = {
    "classification": "softmax",
    "multi_label": "sigmoid",
    "regression": None,
    "ordinal": None,
}
MLP_HIDDEN = 512
# Of the head's batch norm. New heads are often trained for a few hundred steps only, in which
# Keras's 0.99 would leave the statistics near their start.
MOMENTUM = 0.9


@dataclass(frozen=True)
class _Plan:
    """Checked arguments of `attach_head`."""

    classes: int
    task: str
    dropout: float
    hidden: tuple[int, ...]
    activation: str | None


@keras_words()
def attach_head(
    backbone: keras.Model,
    classes: int,
    head: str = "linear",
    *,
    task: str = "classification",
    dropout: float = 0.2,
    hidden: int | Sequence[int] | None = None,
    activation: str | None = "auto",
    preprocessing: str | keras.layers.Layer | None = None,
    cut: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Puts a new head upon a backbone.

    Heads, from features f of c channels:

    - "linear": f averaged over all positions, dropout, dense.
    - "mlp": the same with hidden dense layers (batch norm, ReLU) before the dropout.
    - "conv": dropout, a 1x1 convolution to one map per class, averaged over all positions (Network
      in Network, arXiv:1312.4400, section 3.2). The maps show where a class was seen. Without
      `hidden`, which adds 1x1 convolutions before it, the scores are those of "linear".
    - "concat_pool" (fastai): average and maximum over all positions side by side, batch norm,
      dropout, dense.
    - "cosine": averaged, dropout, `CosineDense`: for few images per class.

    The layers of a functional or Sequential backbone become layers of the model under their own
    names, with shared weights; if `preprocessing` is given, with copies of the weights. A subclass
    of `keras.Model` becomes one layer. The head's layers are named `head_...`, its last
    `predictions`.

    Args:
        backbone: Any built model with one input, that gives maps (batch, height, width, c), tokens
            (batch, tokens, c) or vectors (batch, c).
        classes: Number of classes, or of numbers to predict with the task "regression".
        head: One of HEADS.
        task: "classification" (one of the classes: softmax), "multi_label" (any of them: one
            sigmoid each), "regression" (numbers), or "ordinal" (classes in order: `OrdinalOutput`,
            whose probabilities take the losses of "classification").
        dropout: Rate in [0, 1).
        hidden: Widths of hidden layers, for "mlp" (512 by default), "conv" and "concat_pool" (none
            by default).
        activation: Of the last layer. "auto" is the task's own, None gives logits.
        preprocessing: What is done to raw pixels 0..255 before the backbone: None if it takes them
            so, "unit" (0..1), "signed" (-1..1), "imagenet" (mean and deviation of torchvision),
            "caffe" (BGR less the mean), or a Keras layer.
        cut: Name of the layer whose output is the features, to leave off what comes after it.
        name: Of the model; by default that of the backbone and of the head.

    Returns:
        A model from images to (batch, classes).

    Raises:
        InputError: A value that cannot be used; the message names the argument.
    """
    plan = _checked(classes, head, task, dropout, hidden, activation)
    extractor = feature_extractor(backbone, cut, preprocessing)
    _check_features(extractor, head)
    refuse_taken_names(extractor, _names(plan))
    outputs = _BUILDERS[head](extractor.outputs[0], plan)
    return keras.Model(extractor.inputs[0], outputs, name=name or f"{backbone.name}_{head}")


def _linear(x: Tensor, plan: _Plan) -> Tensor:
    return _last(_dropped(average(x), plan), plan)


def _mlp(x: Tensor, plan: _Plan) -> Tensor:
    return _last(_dropped(_hidden(average(x), plan), plan), plan)


def _conv(x: Tensor, plan: _Plan) -> Tensor:
    for i, width in enumerate(plan.hidden, start=1):
        x = layers.Conv2D(width, 1, use_bias=False, name=f"head_conv{i}")(x)
        x = _normalized_relu(x, i)
    x = _dropped(x, plan)
    x = average(layers.Conv2D(plan.classes, 1, name="head_maps")(x))
    return layers.Activation(plan.activation or "linear", name=LAST)(x)


def _concat_pool(x: Tensor, plan: _Plan) -> Tensor:
    pool = layers.GlobalMaxPooling2D if len(x.shape) == 4 else layers.GlobalMaxPooling1D
    x = layers.Concatenate(name="head_concat")([average(x), pool(name="head_max")(x)])
    x = BatchNormalization(momentum=MOMENTUM, name="head_norm")(x)
    return _last(_dropped(_hidden(x, plan), plan), plan)


def _cosine(x: Tensor, plan: _Plan) -> Tensor:
    x = _dropped(average(x), plan)
    return CosineDense(plan.classes, activation=plan.activation, name=LAST)(x)


_BUILDERS: dict[str, Callable[[Tensor, _Plan], Tensor]] = {
    "linear": _linear,
    "mlp": _mlp,
    "conv": _conv,
    "concat_pool": _concat_pool,
    "cosine": _cosine,
}


def average(x: Tensor) -> Tensor:
    """Maps or tokens averaged over all positions; vectors as they are."""
    pools = {4: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling1D}
    return x if len(x.shape) == 2 else pools[len(x.shape)](name="head_pool")(x)


def _hidden(x: Tensor, plan: _Plan) -> Tensor:
    for i, width in enumerate(plan.hidden, start=1):
        x = layers.Dense(width, use_bias=False, name=f"head_dense{i}")(x)
        x = _normalized_relu(x, i)
    return x


def _normalized_relu(x: Tensor, i: int) -> Tensor:
    x = BatchNormalization(momentum=MOMENTUM, name=f"head_norm{i}")(x)
    return layers.ReLU(name=f"head_relu{i}")(x)


def _dropped(x: Tensor, plan: _Plan) -> Tensor:
    return layers.Dropout(plan.dropout, name="head_dropout")(x) if plan.dropout else x


def _last(x: Tensor, plan: _Plan) -> Tensor:
    if plan.task == "ordinal":
        return OrdinalOutput(plan.classes, name=LAST)(x)
    return layers.Dense(plan.classes, activation=plan.activation, name=LAST)(x)


def _names(plan: _Plan) -> set[str]:
    """Names that some head with this plan gives."""
    names = {"pool", "max", "concat", "norm", "dropout", "maps"}
    for i in range(1, len(plan.hidden) + 1):
        names |= {f"{kind}{i}" for kind in ("dense", "conv", "norm", "relu")}
    return {LAST, *(f"{HEAD_PREFIX}{name}" for name in names)}


def _checked(
    classes: int,
    head: str,
    task: str,
    dropout: float,
    hidden: int | Sequence[int] | None,
    activation: str | None,
) -> _Plan:
    if head not in HEADS:
        raise InputError(f"`head` must be one of {HEADS}. Received: {head!r}.")
    if task not in TASKS:
        raise InputError(f"`task` must be one of {tuple(TASKS)}. Received: {task!r}.")
    least = 2 if task in ("classification", "ordinal") else 1
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < least:
        raise InputError(
            f"`classes` must be a whole number of at least {least} with task {task!r}. "
            f"Received: {classes!r}."
        )
    if not 0 <= dropout < 1:
        raise InputError(f"`dropout` must be in [0, 1). Received: {dropout!r}.")
    if (head == "cosine" and task in ("regression", "ordinal")) or (
        head == "conv" and task == "ordinal"
    ):
        raise InputError(
            f"head {head!r} gives one score per class, which task {task!r} does not have. Use "
            '"linear", "mlp" or "concat_pool".'
        )
    if task == "ordinal" and activation != "auto":
        raise InputError(
            'task "ordinal" gives probabilities, without an activation of choice. Leave '
            f"`activation` out. Received: {activation!r}."
        )
    widths = _widths(hidden, head)
    chosen = TASKS[task] if activation == "auto" else activation
    return _Plan(classes, task, dropout, widths, chosen)


def _widths(hidden: int | Sequence[int] | None, head: str) -> tuple[int, ...]:
    if hidden is None:
        return (MLP_HIDDEN,) if head == "mlp" else ()
    if head in ("linear", "cosine"):
        raise InputError(
            f'head {head!r} has no hidden layers. Use "mlp", or leave `hidden` out. '
            f"Received: hidden={hidden!r}."
        )
    widths = (hidden,) if isinstance(hidden, int) else tuple(hidden)
    if not widths or not all(isinstance(width, int) and width > 0 for width in widths):
        raise InputError(
            f"`hidden` must be one width or several, each a whole number of at least 1. "
            f"Received: {hidden!r}."
        )
    return widths


def _check_features(extractor: keras.Model, head: str) -> None:
    shape = extractor.outputs[0].shape
    ranks = {"conv": (4,), "concat_pool": (3, 4)}.get(head, (2, 3, 4))
    if len(shape) not in ranks or shape[-1] is None:
        kinds = {2: "vectors", 3: "tokens", 4: "maps"}
        raise InputError(
            f"head {head!r} takes {' or '.join(kinds[rank] for rank in ranks)} with a known number "
            f"of channels. The backbone {extractor.name!r} gives the shape {tuple(shape)}: name "
            "another layer, cut=NAME, or choose another head."
        )
