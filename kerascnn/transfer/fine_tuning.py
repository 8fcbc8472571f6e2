"""Fine-tuning in phases: first the head, on features computed once, then deeper layers."""

import contextlib
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from kerascnn.errors import DataError, InputError
from kerascnn.transfer import parts
from kerascnn.transfer.batches import RowBatches, batches_of
from kerascnn.transfer.cache import View, mirrored, original
from kerascnn.transfer.first_step import create_state
from kerascnn.transfer.freezing import freeze
from kerascnn.transfer.head_training import Caches, features_of, fit_on_features, fresh
from kerascnn.transfer.objective import Objective, find_objective
from kerascnn.transfer.optimizers import LayerwiseLearningRate, layerwise_multipliers
from kerascnn.transfer.phases import Phase, default_phases
from kerascnn.transfer.schedules import WarmupCosine

logger = logging.getLogger("kerascnn.transfer")

Batches = Iterable[Any]


@dataclass(frozen=True)
class FineTuning:
    """What `fine_tune` did.

    Attributes:
        history: One row per epoch: its number, that of its `phase` (both from 1), and metrics.
        best_epoch: From 1; whose weights the model has now. Without validation data, the last.
        cached: Names of the phases that trained on cached features.
    """

    history: tuple[dict[str, float], ...]
    best_epoch: int
    cached: tuple[str, ...]


class _Best(keras.callbacks.Callback):
    """Remembers the weights of the epoch with the best value of a metric."""

    def __init__(self, watched: keras.Model, monitor: str):
        super().__init__()
        self.watched, self.monitor = watched, monitor
        self.epoch, self.value = 0, -math.inf
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        value = (logs or {}).get(self.monitor)
        if value is None:
            return
        value = float(value) if "accuracy" in self.monitor else -float(value)
        if value > self.value:
            self.value, self.epoch = value, epoch + 1
            self.weights = self.watched.get_weights()


def fine_tune(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    phases: Sequence[Phase] | None = None,
    augmented: Callable[[int], Batches] | None = None,
    prepare: Callable[[int, Phase], Phase] | None = None,
    head: str | None = None,
    loss: str | keras.losses.Loss | None = None,
    metrics: Sequence[Any] | None = None,
    monitor: str | None = None,
    batch_size: int = 32,
    batch_norm: str = "frozen",
    label_smoothing: float = 0.1,
    weight_decay: float = 0.05,
    ema: float | None = None,
    class_weight: Mapping[int, float] | None = None,
    cache: bool | str | os.PathLike[str] = True,
    views: Sequence[View] = (original, mirrored),
    epochs_done: int = 0,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> FineTuning:
    """Trains a model that has a pretrained backbone, in phases.

    While the whole backbone is frozen and the images are not augmented at random, the features of
    every image and of its views are computed once, kept on disk, and the head is trained on them:
    many times as fast. A log message says where that is done.

    At the end the model has the weights of its best epoch on the validation data.

    Args:
        model: Any model with one input and one output: one that `attach_head` made, or your own.
            `split` says where its backbone ends.
        train: Batches of (images, labels), such as a `tf.data.Dataset`, or a tuple of two arrays.
            Labels are class indices or one-hot rows, or what the loss takes.
        validation: Likewise, or None.
        phases: What is trained when; None means `default_phases()`: the head, then everything.
        augmented: Gives the training data augmented, from an epoch (counted from 0) on; taken
            wherever features are not cached. None: `train` is.
        prepare: Called with the number of a phase (from 1) and the phase when it begins, the model
            being compiled for it; returns the phase to train, with another learning rate or number
            of epochs, for instance.
        head: Name of the head's first layer, where it is not found by itself.
        loss: None takes the one that suits the last layer's activation: cross-entropy after
            softmax, binary cross-entropy after sigmoid, else the squared error.
        metrics: None means accuracy for classifiers, else the mean absolute error.
        monitor: Metric of the validation data that decides which epoch is the best; the higher the
            better if "accuracy" is in its name. None: the accuracy of classifiers, else the loss.
        batch_size: For arrays and cached features.
        batch_norm: "frozen" keeps the backbone's statistics, "train" adapts them where unfrozen.
        label_smoothing: Share of each label spread over all classes; cross-entropy only.
        weight_decay: Of AdamW.
        ema: Momentum of an exponential moving average of the weights, such as 0.99, or None.
        class_weight: Weight of the loss of each class.
        cache: False: never keep features. A path: keep them there, for the next call too. True: in
            a temporary folder.
        views: What of each image is cached, one view per epoch in turns. By default the image and
            its mirror image; leave the latter out where it means something else, as with letters.
        epochs_done: Epochs of an interrupted call: the model is one saved after so many, with its
            optimiser.
        seed: Decides the order of cached features.
        callbacks: Keras callbacks. They see the whole model, and epochs numbered over all phases.

    Raises:
        InputError: A model that cannot be taken apart, or no phase.
        DataError: No training data.
    """
    phases = default_phases() if phases is None else phases
    if not phases:
        raise InputError("`phases` must hold at least one phase.")
    apart = parts.split(model, head)
    train, validation = batches_of(train, batch_size, seed), batches_of(validation, batch_size)
    steps = _steps(train)
    objective = find_objective(model, train, loss, metrics, monitor, label_smoothing)
    best = _Best(model, objective.monitor)
    rows: list[dict[str, float]] = []
    cached: list[str] = []
    first = 0
    for number, phase in enumerate(phases, start=1):
        begin = max(first, epochs_done)
        if begin < first + phase.epochs:
            if begin == first:
                freeze(model, phase.until, batch_norm=batch_norm, head=head)
                phase = _begin(
                    model, number, phase, prepare, objective, steps, weight_decay, ema, head
                )
            averaging = [] if ema is None else [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]
            watchers = [*averaging, *callbacks, best]
            options: dict[str, Any] = {
                "initial_epoch": begin,
                "epochs": first + phase.epochs,
                "class_weight": dict(class_weight) if class_weight else None,
                "verbose": 0,
            }
            with contextlib.ExitStack() as stack:
                caches = None
                if phase.until == "head" and not phase.augment and cache is not False:
                    caches = _features(model, apart, train, validation, cache, views, stack)
                if caches is not None:
                    cached.append(phase.name)
                    history = fit_on_features(
                        model,
                        apart,
                        caches,
                        metrics=objective.metrics,
                        batch_size=batch_size,
                        seed=seed,
                        callbacks=watchers,
                        **options,
                    )
                else:
                    data = train if augmented is None else augmented(begin)
                    history = _fit(model, data, steps, validation, watchers, options)
            for epoch, values in _by_epoch(history):
                rows.append({"epoch": epoch, "phase": number, **values})
            if model.stop_training:
                break
        first += phase.epochs
    if best.weights:
        model.set_weights(best.weights)
    last = int(rows[-1]["epoch"]) if rows else epochs_done
    return FineTuning(tuple(rows), best.epoch or last, tuple(cached))


def _begin(
    model: keras.Model,
    number: int,
    phase: Phase,
    prepare: Callable[[int, Phase], Phase] | None,
    objective: Objective,
    steps: int,
    weight_decay: float,
    ema: float | None,
    head: str | None,
) -> Phase:
    """Compiles the model for a phase, which the caller may change."""

    def compile_for(phase: Phase) -> None:
        optimizer = _optimizer(model, phase, steps, weight_decay, ema, head)
        if model.dtype_policy.name == "mixed_float16":
            # As `compile` does it, which saves the optimiser without it.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        metrics = [fresh(metric) for metric in objective.metrics]
        model.compile(optimizer, objective.loss, metrics=metrics)

    compile_for(phase)
    if prepare is not None:
        phase = prepare(number, phase)
        compile_for(phase)  # also because the caller may have trained, to find a learning rate
    return phase


def _steps(data: Batches) -> int:
    """Batches in one pass."""
    try:
        steps = len(data)  # type: ignore[arg-type]
    except TypeError:
        steps = sum(1 for _ in data)  # a tf.data.Dataset of unknown length
    if not steps:
        raise DataError("the training data holds no batch.")
    return steps


def _optimizer(
    model: keras.Model,
    phase: Phase,
    steps: int,
    weight_decay: float,
    ema: float | None,
    head: str | None,
) -> keras.optimizers.Optimizer:
    schedule = WarmupCosine(phase.learning_rate, steps * phase.epochs, warmup=0.1)
    averaging = {} if ema is None else {"use_ema": True, "ema_momentum": ema}
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay, **averaging)
    if phase.until == "head" or phase.depth_factor == 1.0:
        return optimizer
    layers = sum(map(parts.has_weights, parts.split(model, head).backbone))
    multipliers = layerwise_multipliers(model, phase.depth_factor, min(3, layers), head)
    return LayerwiseLearningRate(optimizer, multipliers)


def _features(
    model: keras.Model,
    apart: parts.Parts,
    train: Batches,
    validation: Any,
    cache: Literal[True] | str | os.PathLike[str],
    views: Sequence[View],
    stack: contextlib.ExitStack,
) -> Caches | None:
    """None, with a message, where features cannot be kept."""
    try:
        return stack.enter_context(features_of(model, apart, train, validation, cache, views))
    except DataError as error:
        logger.warning("features are not cached: %s", error)
        return None


def _fit(
    model: keras.Model,
    data: Any,
    steps: int,
    validation: Any,
    watchers: Sequence[keras.callbacks.Callback],
    options: dict[str, Any],
) -> keras.callbacks.History:
    create_state(model, data)
    if isinstance(validation, RowBatches):
        validation = validation.epochs(0, 1)
    if isinstance(data, RowBatches):
        data = data.epochs(options["initial_epoch"], options["epochs"])
        options = {**options, "steps_per_epoch": steps}
    elif hasattr(data, "repeat"):  # a tf.data.Dataset: starting it anew takes tenths of a second
        data, options = data.repeat(), {**options, "steps_per_epoch": steps}
    return model.fit(
        data, validation_data=validation, callbacks=list(watchers), shuffle=False, **options
    )


def _by_epoch(history: keras.callbacks.History) -> Iterator[tuple[int, dict[str, float]]]:
    for place, epoch in enumerate(history.epoch):
        values = {name: float(found[place]) for name, found in history.history.items()}
        yield epoch + 1, values
