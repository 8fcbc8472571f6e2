"""Training a head on the features of a frozen backbone, each computed once."""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.files import temporary_folder
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.targets import check_class_weight, targets_of, weights_of_classes
from kerascnn.transfer import parts
from kerascnn.transfer.cache import FeatureCache, View, cache_features, mirrored, original
from kerascnn.transfer.callbacks import callback_list, check_monitors, refuse_callbacks
from kerascnn.transfer.feeding.batches import RowBatches
from kerascnn.transfer.feeding.sources import Source
from kerascnn.transfer.first_step import create_state
from kerascnn.transfer.judge import Judge, fits
from kerascnn.transfer.objective import check_activation

logger = logging.getLogger("kerascnn.transfer")

# Features of validation images are judged in batches of so many.
_JUDGED = 256

Caches = tuple[FeatureCache, FeatureCache | None]


@keras_words(
    same={"validation_data": "validation"},
    instead={
        "x": "pass the images with their labels, train=(images, labels)",
        "y": "pass the images with their labels, train=(images, labels)",
        "learning_rate": "the model's own optimiser is used. Give it a rate in model.compile",
        "optimizer": "the model's own is used, of model.compile",
        "loss": "the model's own is used, of model.compile",
        "metrics": "the model's own are used, of model.compile",
        "sample_weight": "make it the third element of the batches or of the tuple",
        "validation_split": "split the data before",
        "validation_steps": "take a part of the validation data, validation.take(n)",
        "steps_per_epoch": "an epoch is a pass over the features. Take a part, train.take(n)",
        "shuffle": "the order is drawn by `seed`",
        "initial_epoch": "call it again to go on",
    },
)
def fit_head(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    epochs: int,
    batch_size: int = 32,
    views: Sequence[View] = (original, mirrored),
    class_weight: Mapping[int, float] | None = None,
    cache: Literal[True] | str | os.PathLike[str] = True,
    head: str | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = 0,
) -> keras.callbacks.History:
    """`model.fit` for a model with a frozen backbone, many times as fast.

    Every image goes through the backbone once, and the head is trained on what came out. The
    model's optimiser, loss and metrics are used, and its head is trained in place.

    Args:
        model: Compiled, with its whole backbone frozen (`freeze(model, "head")`).
        train: Batches of (images, labels) or (images, labels, sample weights), the same images
            whenever they are read, or two or three arrays; as `fine_tune` takes them.
        validation: Likewise. `validation_data` means the same.
        epochs: Passes over the data.
        batch_size: Rows of a step.
        views: What is kept of each image; an epoch takes one view of all, the next epoch the next.
        class_weight: As `fit` takes it; multiplies the sample weights where there are some.
        cache: Folder to keep features in, for the next call too; True: a temporary one.
        head: Name of the head's first layer, where it is not found by itself.
        seed: Decides the order of the rows.
        callbacks: Keras callbacks. They see the whole model.
        verbose: 1 shows progress, as in `fit`.

    Returns:
        What `fit` returns.

    Raises:
        InputError: A backbone that is not frozen, a model that was not compiled or has a
            `train_step` of its own, or a callback that cannot be honoured.
        DataError: Data that differs when it is read again, has no end, or none; labels or images
            that do not fit the model and its loss: the message says which, and where.
    """
    apart = parts.split(model, head)
    check_epochs(epochs)
    trained = [layer.name for layer in apart.backbone if layer.trainable_variables]
    if trained:
        raise InputError(
            f"the backbone of {model.name!r} is not frozen: {trained[0]!r} and "
            f"{len(trained) - 1} more of its layers are trained. Call "
            "kerascnn.transfer.freeze(model), then compile."
        )
    if not model.compiled:
        raise InputError(f"the model {model.name!r} is not compiled. Call model.compile first.")
    own = own_steps(model)
    if own:
        raise InputError(
            f"{type(model).__name__} has a `{own}` of its own, which training on features would "
            "leave out. Use model.fit."
        )
    check_activation(model, model.loss)
    measured = _measured_by(model)
    given = callback_list(callbacks)
    refuse_callbacks(given, "fit_head", _refused(model.optimizer))
    check_monitors(
        given, [*measured["metrics"], *measured["weighted_metrics"]], validation is not None
    )
    targets = targets_of(model.loss, tuple(model.outputs[0].shape))
    weights = check_class_weight(class_weight, targets)
    sources = [Source(train, "training data", batch_size=batch_size, seed=seed)]
    if validation is not None:
        sources.append(Source(validation, "validation data", batch_size=batch_size))
    for source in sources:
        source.suit(model, targets)
    with features_of(model, apart, sources, cache, views) as caches:
        return fit_on_features(
            model,
            apart,
            caches,
            measured=measured,
            batch_size=batch_size,
            seed=seed,
            callbacks=given,
            epochs=epochs,
            class_weight=weights,
            verbose=verbose,
        )


@contextlib.contextmanager
def features_of(
    model: keras.Model,
    apart: parts.Parts,
    sources: Sequence[Source],
    cache: Literal[True] | str | os.PathLike[str],
    views: Sequence[View],
) -> Iterator[Caches]:
    """The features of the training data and perhaps the validation data.

    They last as long as the context if `cache` is True.
    """
    frozen = keras.Model(model.inputs[0], apart.features)
    with contextlib.ExitStack() as stack:
        if cache is True:
            folder = os.fspath(stack.enter_context(temporary_folder()))
        else:
            folder = os.fspath(cache)
        train, *validation = sources
        found = cache_features(frozen, train, folder, views=views)
        judged = cache_features(frozen, validation[0], folder) if validation else None
        logger.info("the backbone is frozen: the head trains on its features, computed once")
        yield found, judged


def fit_on_features(
    model: keras.Model,
    apart: parts.Parts,
    caches: Caches,
    *,
    measured: Mapping[str, Any],
    batch_size: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    initial_epoch: int = 0,
    class_weight: dict[int, float] | None = None,
    verbose: int | str = 0,
) -> keras.callbacks.History:
    """Fits the head to features. Callbacks see the whole model, whose optimiser it is.

    Args:
        measured: What `compile` takes beside optimiser and loss; metrics are made anew.
    """
    head = keras.Model(apart.features, model.outputs[0])
    head.compile(
        model.optimizer,
        model.loss,
        **{name: keras.tree.map_structure(fresh, value) for name, value in measured.items()},
        run_eagerly=model.run_eagerly,
    )
    head.history = None  # `fit` returns it, but the list of callbacks below gives it to `model`
    found, judged = caches
    weights = found.weights
    if class_weight is not None:
        by_class = weights_of_classes(np.asarray(found.labels), class_weight)
        weights = by_class if weights is None else by_class * weights
    batches = RowBatches(found.features, found.labels, batch_size, seed, weights)
    create_state(head, batches)
    validation, first = None, []
    if judged is not None and fits(judged):
        first = [Judge(head, judged)]
    elif judged is not None:
        kept = RowBatches(judged.features, judged.labels, _JUDGED, weights=judged.weights)
        validation = kept.epochs(0, 1)
    everyone = keras.callbacks.CallbackList(
        [*first, *callbacks, _Stop(head)],
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        epochs=epochs,
        steps=len(batches),
        verbose=verbose,
    )
    for judge in first:
        judge.everyone = everyone
    model.stop_training = False
    head.fit(
        batches.epochs(initial_epoch, epochs),
        steps_per_epoch=len(batches),
        shuffle=False,
        validation_data=validation,
        callbacks=everyone,
        epochs=epochs,
        initial_epoch=initial_epoch,
        verbose=0,
    )
    return model.history


class _Stop(keras.callbacks.Callback):
    """Callbacks stop the whole model; its head is the one in training."""

    def __init__(self, head: keras.Model):
        super().__init__()
        self.head = head

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.head.stop_training = self.model.stop_training

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.head.stop_training = self.model.stop_training


def own_steps(model: keras.Model) -> str | None:
    """Name of a method of the user's that `fit` would call and training on features would not."""
    methods = ("train_step", "test_step", "compute_loss", "compute_metrics", "make_train_function")
    for method in methods:
        if getattr(type(model), method) is not getattr(keras.Model, method):
            return method
    return None


def check_epochs(epochs: Any) -> None:
    """An InputError for no whole number of epochs above 0."""
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1:
        raise InputError(f"`epochs` must be a whole number of at least 1. Received: {epochs!r}.")


def fresh(metric: Any) -> Any:
    """A metric of its own for another model."""
    if isinstance(metric, keras.metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric


def _refused(optimizer: Any) -> dict[str, str]:
    """Callbacks that training a head with an optimiser cannot honour, and what to do instead."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    refused = {
        "BackupAndRestore": "epochs on features take seconds. Use ModelCheckpoint to keep the model"
    }
    if callable(inner._learning_rate):
        words = "the optimiser has a schedule. Compile the model with a number as learning rate"
        refused |= dict.fromkeys(("ReduceLROnPlateau", "LearningRateScheduler"), words)
    if not inner.use_ema:
        refused["SwapEMAWeights"] = "the optimiser keeps no average. Make it with use_ema=True"
    return refused


def _measured_by(model: keras.Model) -> dict[str, list[Any]]:
    """The metrics that a model was compiled with, as `compile` takes them."""
    try:
        config = model.get_compile_config() or {}
        found = {
            name: keras.saving.deserialize_keras_object(config.get(name) or [])
            for name in ("metrics", "weighted_metrics")
        }
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"the metrics of {model.name!r} cannot be made anew for its head: register their class "
            "or function by @keras.saving.register_keras_serializable(), or use model.fit."
        ) from error
    return {
        name: [metric for metric in keras.tree.flatten(value) if metric is not None]
        for name, value in found.items()
    }
