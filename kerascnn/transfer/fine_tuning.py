"""Fine-tuning in phases: first the head, on features computed once, then deeper layers."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras

from kerascnn.errors import BatchError, DataError, InputError, TrainingError
from kerascnn.inputs.arrays import is_dataset
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.targets import check_class_weight
from kerascnn.transfer import parts
from kerascnn.transfer.cache import View, mirrored, original
from kerascnn.transfer.callbacks import (
    LossGuard,
    OneTraining,
    callback_list,
    check_monitors,
    refuse_callbacks,
    stopped_by,
)
from kerascnn.transfer.exact_head import linear_head, solve_head
from kerascnn.transfer.feeding.fit_data import training_data, validation_data
from kerascnn.transfer.feeding.sources import Source
from kerascnn.transfer.first_step import create_state
from kerascnn.transfer.freezing import freeze
from kerascnn.transfer.head_training import (
    Caches,
    check_epochs,
    features_of,
    fit_on_features,
    fresh,
    own_steps,
)
from kerascnn.transfer.keeping import Averages, Best, Done, FallGuard
from kerascnn.transfer.objective import Objective, find_objective
from kerascnn.transfer.optimizers import LayerwiseLearningRate, layerwise_multipliers
from kerascnn.transfer.phases import Phase, default_phases
from kerascnn.transfer.schedules import WarmupCosine

logger = logging.getLogger("kerascnn.transfer")

Batches = Iterable[Any]

_OWN_RATES = (
    "each phase has a schedule: its rate rises, and falls like a cosine. Say the rates by "
    "phases=[Phase(..., learning_rate=...)], or train by freeze(model), model.compile and model.fit"
)
_REFUSED = {
    "ReduceLROnPlateau": _OWN_RATES,
    "LearningRateScheduler": _OWN_RATES,
    "BackupAndRestore": "it restores one optimiser, and each phase has its own. Save the model by "
    "ModelCheckpoint and go on with epochs_done=n, or use kerascnn.train, which can be resumed",
    "SwapEMAWeights": "fine_tune averages the weights itself: ema=0.99",
}


@dataclass(frozen=True)
class EarlyStop:
    """A phase that a callback ended.

    Attributes:
        phase: Its name.
        epoch: Its last, from 1, counted over all phases.
        planned: How many epochs the phase should have had.
        by: Who ended it.
    """

    phase: str
    epoch: int
    planned: int
    by: str


@dataclass(frozen=True)
class FineTuning:
    """What `fine_tune` did.

    Attributes:
        history: One row per epoch: its number, that of its `phase` (both from 1), and metrics.
        best_epoch: From 1; whose weights the model has now. Without validation data, the last.
        cached: Names of the phases that trained on cached features.
        stopped: The phases that callbacks ended early.
        phases: That were trained, with the epochs and learning rates that they had.
    """

    history: tuple[dict[str, float], ...]
    best_epoch: int
    cached: tuple[str, ...]
    stopped: tuple[EarlyStop, ...] = ()
    phases: tuple[Phase, ...] = ()

    def __str__(self) -> str:
        kept = self.history[self.best_epoch - 1] if self.history else {}
        figures = [f"{name} {kept[name]:.4f}" for name in kept if name not in ("epoch", "phase")]
        told = [f"{len(self.history)} epochs, kept epoch {self.best_epoch}", *figures]
        told += [
            f"{stop.by} ended phase {stop.phase} at epoch {stop.epoch}" for stop in self.stopped
        ]
        return ", ".join(told)


@keras_words(
    same={"validation_data": "validation"},
    instead={
        "x": "pass the images with their labels, train=(images, labels)",
        "y": "pass the images with their labels, train=(images, labels)",
        "optimizer": "it is AdamW, with weight_decay and the learning_rate of each phase",
        "sample_weight": "make it the third element of the batches or of the tuple",
        "validation_split": "split the data before",
        "validation_steps": "take a part of the validation data, validation.take(n)",
        "validation_batch_size": "it is batch_size",
        "initial_epoch": "after an interruption say epochs_done",
        "shuffle": "arrays and features are shuffled by `seed`, a dataset as you made it",
        "patience": "pass callbacks=[keras.callbacks.EarlyStopping(patience=n)], for each phase",
        "augment": "pass augmented=lambda epoch: pipeline.map(data, first_epoch=epoch)",
    },
)
def fine_tune(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    phases: Sequence[Phase] | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    augmented: Callable[[int], Batches] | None = None,
    prepare: Callable[[int, Phase], Phase] | None = None,
    shortened: Callable[[int, Phase], None] | None = None,
    repeated: Callable[[int, Phase], None] | None = None,
    head: str | None = None,
    loss: str | keras.losses.Loss | None = None,
    metrics: Sequence[Any] | None = None,
    monitor: str | None = None,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    batch_norm: str = "frozen",
    label_smoothing: float = 0.1,
    weight_decay: float = 0.05,
    ema: float | None = None,
    class_weight: Mapping[int, float] | None = None,
    cache: bool | str | os.PathLike[str] = True,
    views: Sequence[View] = (original, mirrored),
    epochs_done: int = 0,
    done: Done | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = 0,
) -> FineTuning:
    """Trains a model that has a pretrained backbone, in phases.

    While the whole backbone is frozen and the images are not augmented at random, the features of
    every image and of its views are computed once, kept on disk, and the head is trained on them:
    many times as fast. A log message says where that is done.

    At the end the model has the weights of its best epoch on the validation data; a log message
    says which.

    Args:
        model: Any model with one input and one output: one that `attach_head` made, or your own.
            `split` says where its backbone ends.
        train: Batches of (images, labels) or (images, labels, sample weights): a `tf.data.Dataset`,
            `keras.utils.PyDataset`, list, data loader, or a function that makes a generator; or a
            tuple of two or three arrays or tensors. Labels are class indices (`[B]` or `[B, 1]`) or
            one-hot rows, or what the loss takes.
        validation: Likewise, or None. `validation_data` means the same.
        phases: What is trained when; None means `default_phases()`: the head, then everything.
        epochs: Of the last phase, in place of its own.
        learning_rate: Of the last phase, in place of its own.
        augmented: Gives the training data augmented, from an epoch (counted from 0) on; taken
            wherever features are not cached. None: `train` is.
        prepare: Called with the number of a phase (from 1) and the phase when it begins, the model
            being compiled for it; returns the phase to train, with another learning rate or number
            of epochs, for instance.
        shortened: Called with the number of a phase that was ended early, and the phase with the
            epochs that it had.
        repeated: Called when a guarded phase is begun again: with the number of the phase that
            follows it, and that phase.
        head: Name of the head's first layer, where it is not found by itself.
        loss: None takes the one that suits the last layer's activation: cross-entropy after
            softmax, binary cross-entropy after sigmoid. Without an activation the first labels
            decide between cross-entropy of logits (classes, one-hot rows, labels of 0 and 1) and
            the squared error; a log message says so.
        metrics: None means accuracy for classifiers, else the mean absolute error.
        monitor: Metric of the validation data that decides which epoch is the best; of Keras's
            metrics it is known whether higher is better. None: the accuracy of classifiers, else
            the loss.
        batch_size: For arrays and cached features.
        steps_per_epoch: Batches of an epoch; None takes a whole pass. Data without an end, such as
            a repeated dataset or a generator, needs it, and its features are not cached.
        batch_norm: "frozen" keeps the backbone's statistics, "train" adapts them where unfrozen.
        label_smoothing: Share of each label spread over all classes; cross-entropy only.
        weight_decay: Of AdamW.
        ema: Momentum of an exponential moving average of the weights, such as 0.99, or None.
        class_weight: Weight of the loss of each class; multiplies sample weights where there are
            some.
        cache: False: never keep features. A path: keep them there, for the next call too. True: in
            a temporary folder.
        views: What of each image is cached, one view per epoch in turns. By default the image and
            its mirror image; leave the latter out where it means something else, as with letters.
        epochs_done: Epochs of an interrupted call: the model is one saved after so many, with its
            optimiser.
        done: Instead of `epochs_done`: the history of the interrupted call and its best weights, so
            that they count.
        seed: Decides the order of arrays and cached features.
        callbacks: Keras callbacks. They see the whole model, and epochs numbered over all phases,
            as one training; `EarlyStopping` begins anew in each phase. A callback that stops
            training ends its phase, and the next one begins, which the log and the result say. One
            with the attribute `stops_all` set to True ends all; so does a loss that is not a
            number.
        verbose: 1 shows progress, as in `fit`.

    Raises:
        InputError: A model that cannot be taken apart, no phase, or a callback that cannot be
            honoured: those that change the learning rate, `BackupAndRestore`, `SwapEMAWeights`, and
            those that monitor what is not measured.
        DataError: No training data, or none that ends; labels or images that do not fit the model
            and its loss: the message says which, and where. Before the first step for the first
            batch and for all arrays, else when the batch is reached.
        TrainingError: The loss is not a number, and there is no epoch to go back to.
    """
    phases = _phases(phases, epochs, learning_rate)
    apart = parts.split(model, head)
    given = callback_list(callbacks)
    refuse_callbacks(given, "fine_tune", _REFUSED)
    source = Source(train, "training data", batch_size=batch_size, seed=seed, steps=steps_per_epoch)
    judged = None
    if validation is not None:
        judged = Source(validation, "validation data", batch_size=batch_size)
    labels = source.first[1]
    objective = find_objective(model, labels, loss, metrics, monitor, label_smoothing)
    weights = check_class_weight(class_weight, objective.targets)
    check_monitors(given, objective.metrics, judged is not None)
    source.suit(model, objective.targets, weights)
    if judged is not None:
        judged.suit(model, objective.targets)
    uncached = _why_uncached(model, source, judged, steps_per_epoch) if cache is not False else ""
    averages = Averages()
    guard, best = LossGuard(), Best(model, objective, done)
    falls = FallGuard(objective)
    watchers = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks or ()
    everyone = OneTraining([averages, *watchers, best, falls, guard])
    epochs_done = epochs_done if done is None else len(done.rows)
    cached: list[str] = []
    stopped: list[EarlyStop] = []
    first, number = 0, 0

    def shorten(phase: Phase) -> None:
        phases[number - 1] = phase
        if shortened is not None:
            shortened(number, phase)

    while number < len(phases):
        phase = phases[number]
        number += 1
        planned, begin = phase, max(first, epochs_done)
        on_features = phase.until == "head" and not phase.augment and cache is not False
        linear = None
        if phase.exact and on_features and not uncached:
            linear = linear_head(model, apart, objective.loss)
        if linear is not None:
            phase = replace(phase, epochs=1)
        if begin >= first + phase.epochs:
            phases[number - 1] = phase
            first += phase.epochs
            continue
        with contextlib.ExitStack() as stack:
            if begin == first:
                freeze(model, phase.until, batch_norm=batch_norm, head=head)
            caches = None
            if on_features and uncached:
                logger.warning("features are not cached: %s", uncached)
            elif on_features and cache is not False:
                sources = [source] if judged is None else [source, judged]
                caches = _features(model, apart, sources, cache, views, stack)
            if linear is not None and (
                caches is None or not solve_head(linear, caches[0], weights, seed)
            ):
                linear, phase = None, planned
            if begin == first:
                phase = phases[number - 1] = _begin(
                    *(model, number, phase, prepare, objective, source.steps, weight_decay, ema),
                    *(head, linear is not None),
                )
            options: dict[str, Any] = {
                "initial_epoch": begin,
                "epochs": first + phase.epochs,
                "verbose": verbose,
            }
            best.phase = number
            averages.set_model(model)
            averages.begin(within=begin > first)
            falls.begin(number, phases, best.rows)
            if falls.fallen:
                pass  # the call was interrupted just then
            elif caches is not None:
                fit_on_features(
                    model,
                    apart,
                    caches,
                    measured={"metrics": objective.metrics},
                    batch_size=batch_size,
                    seed=seed,
                    callbacks=[everyone],
                    class_weight=weights,
                    **options,
                )
            else:
                data = source
                if augmented is not None:
                    data = Source(augmented(begin), "augmented data", steps=source.steps)
                    data.suit(model, objective.targets, weights, look=False)
                _fit(model, data, source, judged, everyone, options)
            if caches is not None:
                cached.append(phase.name)
        last = int(best.rows[-1]["epoch"]) if best.rows else begin
        if guard.epoch:
            break
        if falls.fallen:
            model.set_weights(best.weights)
            over = any(getattr(callback, "stops_all", False) for callback in given)
            again = None if over else falls.again(replace(phase, epochs=planned.epochs))
            if again is not None:
                phases.insert(number, again)
                if repeated is not None:
                    repeated(number + 1, again)
            phase = replace(phase, epochs=last - first)
            shorten(phase)
            if over:
                break
        elif last < first + phase.epochs:  # a callback stopped it
            by = stopped_by(given)
            stopped.append(EarlyStop(phase.name, last, phase.epochs, by))
            logger.info(
                "phase %r ended after %d of %d epochs, by %s",
                *(phase.name, last - first, phase.epochs, by),
            )
            if any(getattr(callback, "stops_all", False) for callback in given):
                break
            phase = replace(phase, epochs=last - first)
            shorten(phase)
        first += phase.epochs
    everyone.close()
    _restore(model, best, guard, objective)
    last = int(best.rows[-1]["epoch"]) if best.rows else epochs_done
    own = tuple(best.rows[0 if done is None else len(done.rows) :])
    return FineTuning(own, best.epoch or last, tuple(cached), tuple(stopped), tuple(phases))


def _phases(
    phases: Sequence[Phase] | None, epochs: int | None, learning_rate: float | None
) -> list[Phase]:
    """The phases with what was said of the last one."""
    found = list(default_phases() if phases is None else phases)
    if not found:
        raise InputError("`phases` must hold at least one phase.")
    for phase in found:
        if not isinstance(phase, Phase):
            raise InputError(
                "`phases` must hold kerascnn.transfer.Phase objects. Received: "
                f"{type(phase).__name__}."
            )
    given = {"epochs": epochs, "learning_rate": learning_rate}
    changes: Any = {name: value for name, value in given.items() if value is not None}
    if epochs is not None:
        check_epochs(epochs)
    return [*found[:-1], replace(found[-1], **changes)]


def _restore(model: keras.Model, best: Best, guard: LossGuard, objective: Objective) -> None:
    """Gives the model the weights of its best epoch, and says so."""
    if guard.epoch:
        message = (
            f"the loss of epoch {guard.epoch} is not a number, and training ended. Lower the "
            "learning rate, or check the data."
        )
        if not best.weights:
            raise TrainingError(f"{message} The weights of the model are lost: load it again.")
        logger.warning("%s The model has the weights of epoch %d.", message, best.epoch)
    if best.weights:
        model.set_weights(best.weights)
        value = best.value if objective.rising else -best.value
        logger.info(
            "the model has the weights of epoch %d of %d, the best by %s (%.4f)",
            *(best.epoch, int(best.rows[-1]["epoch"]), objective.monitor, value),
        )


def _why_uncached(
    model: keras.Model, source: Source, judged: Source | None, steps_per_epoch: int | None
) -> str:
    """What speaks against keeping the features of the frozen backbone; empty if nothing."""
    own = own_steps(model)
    if own:
        return f"{type(model).__name__} has a `{own}` of its own, which they would leave out"
    if source.endless:
        return "the training data has no end"
    if steps_per_epoch is not None:
        return "epochs of `steps_per_epoch` batches are no passes over the data"
    if judged is not None and judged.endless:
        return "the validation data has no end"
    return ""


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
    at_rest: bool,
) -> Phase:
    """Compiles the model for a phase, which the caller may change.

    Where the head has its optimum, an epoch `at_rest` measures it and calls callbacks.
    """

    def compile_for(phase: Phase) -> None:
        if at_rest:
            optimizer: keras.optimizers.Optimizer = keras.optimizers.SGD(0.0)
        else:
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


def _optimizer(
    model: keras.Model,
    phase: Phase,
    steps: int,
    weight_decay: float,
    ema: float | None,
    head: str | None,
) -> keras.optimizers.Optimizer:
    schedule = WarmupCosine(phase.learning_rate, steps * phase.epochs, warmup=0.1)
    if ema is None and phase.average:
        ema = 1 - 1 / max(1.0, phase.average * steps * phase.epochs)
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
    sources: Sequence[Source],
    cache: Literal[True] | str | os.PathLike[str],
    views: Sequence[View],
    stack: contextlib.ExitStack,
) -> Caches | None:
    """None, with a message, where features cannot be kept."""
    try:
        return stack.enter_context(features_of(model, apart, sources, cache, views))
    except BatchError:
        raise
    except DataError as error:
        logger.warning("features are not cached: %s", error)
        return None


def _fit(
    model: keras.Model,
    data: Source,
    source: Source,
    judged: Source | None,
    everyone: OneTraining,
    options: dict[str, Any],
) -> None:
    """Fits the whole model to images: `data`, or what it is augmented from, `source`."""
    create_state(model, data.given if is_dataset(data.given) else source)
    batches, more = training_data(data, options["initial_epoch"], options["epochs"])
    validation = None if judged is None else validation_data(judged)
    with contextlib.ExitStack() as stack:
        for each in (data, judged):
            if each is not None:
                stack.enter_context(each.explaining())
        model.fit(
            batches,
            validation_data=validation,
            callbacks=[everyone],
            shuffle=False,
            **options,
            **more,
        )
