"""Training a head on the features of a frozen backbone, each computed once."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.files import temporary_folder
from kerascnn.transfer import parts
from kerascnn.transfer.batches import RowBatches, batches_of
from kerascnn.transfer.cache import FeatureCache, View, cache_features, mirrored, original
from kerascnn.transfer.first_step import create_state
from kerascnn.transfer.judge import Judge, fits

logger = logging.getLogger("kerascnn.transfer")

# Features of validation images are judged in batches of so many.
_JUDGED = 256

Caches = tuple[FeatureCache, FeatureCache | None]


def fit_head(
    model: keras.Model,
    train: Iterable[Any] | tuple[np.ndarray, np.ndarray],
    validation: Iterable[Any] | tuple[np.ndarray, np.ndarray] | None = None,
    *,
    epochs: int,
    batch_size: int = 32,
    views: Sequence[View] = (original, mirrored),
    class_weight: Mapping[int, float] | None = None,
    cache: Literal[True] | str | os.PathLike[str] = True,
    head: str | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.callbacks.History:
    """`model.fit` for a model with a frozen backbone, many times as fast.

    Every image goes through the backbone once, and the head is trained on what came out. The
    model's optimiser, loss and metrics are used, and its head is trained in place.

    Args:
        model: Compiled, with its whole backbone frozen (`freeze(model, "head")`).
        train: Batches of (images, labels), the same images whenever they are read, or two arrays.
        validation: Likewise.
        epochs: Passes over the data.
        batch_size: Rows of a step.
        views: What is kept of each image; an epoch takes one view of all, the next epoch the next.
        class_weight: As `fit` takes it.
        cache: Folder to keep features in, for the next call too; True: a temporary one.
        head: Name of the head's first layer, where it is not found by itself.
        seed: Decides the order of the rows.
        callbacks: Keras callbacks. They see the whole model.

    Returns:
        What `fit` returns.

    Raises:
        InputError: A backbone that is not frozen, or a model that was not compiled.
        DataError: Data that differs when it is read again, or none.
    """
    apart = parts.split(model, head)
    trained = [layer.name for layer in apart.backbone if layer.trainable_variables]
    if trained:
        raise InputError(
            f"the backbone of {model.name!r} is not frozen: {trained[0]!r} and "
            f"{len(trained) - 1} more of its layers are trained. Call "
            "kerascnn.transfer.freeze(model), then compile."
        )
    if not model.compiled:
        raise InputError(f"the model {model.name!r} is not compiled. Call model.compile first.")
    metrics = (model.get_compile_config() or {}).get("metrics") or []
    data = (batches_of(train, batch_size), batches_of(validation, batch_size))
    with features_of(model, apart, *data, cache, views) as caches:
        return fit_on_features(
            model,
            apart,
            caches,
            metrics=keras.saving.deserialize_keras_object(metrics),
            batch_size=batch_size,
            seed=seed,
            callbacks=callbacks,
            epochs=epochs,
            class_weight=class_weight,
            verbose=0,
        )


@contextlib.contextmanager
def features_of(
    model: keras.Model,
    apart: parts.Parts,
    train: Iterable[Any],
    validation: Iterable[Any] | None,
    cache: Literal[True] | str | os.PathLike[str],
    views: Sequence[View],
) -> Iterator[Caches]:
    """The features of both data sets, as long as the context lasts if `cache` is True."""
    frozen = keras.Model(model.inputs[0], apart.features)
    with contextlib.ExitStack() as stack:
        if cache is True:
            folder = os.fspath(stack.enter_context(temporary_folder()))
        else:
            folder = os.fspath(cache)
        found = cache_features(frozen, train, folder, views=views)
        judged = None if validation is None else cache_features(frozen, validation, folder)
        logger.info("the backbone is frozen: the head trains on its features, computed once")
        yield found, judged


def fit_on_features(
    model: keras.Model,
    apart: parts.Parts,
    caches: Caches,
    *,
    metrics: Sequence[Any],
    batch_size: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    initial_epoch: int = 0,
    **options: Any,
) -> keras.callbacks.History:
    """Fits the head to features. Callbacks see the whole model, whose optimiser it is."""
    head = keras.Model(apart.features, model.outputs[0])
    head.compile(model.optimizer, model.loss, metrics=[fresh(metric) for metric in metrics])
    head.history = None  # `fit` returns it, but the list of callbacks below gives it to `model`

    def stop(epoch: int, logs: Any) -> None:
        head.stop_training = model.stop_training

    found, judged = caches
    batches = RowBatches(found.features, found.labels, batch_size, seed)
    create_state(head, batches)
    validation, first = None, []
    if judged is not None and fits(judged):
        first = [Judge(head, judged)]
    elif judged is not None:
        validation = RowBatches(judged.features, judged.labels, _JUDGED).epochs(0, 1)
    everyone = keras.callbacks.CallbackList(
        [*first, *callbacks, keras.callbacks.LambdaCallback(on_epoch_end=stop)],
        add_history=True,
        model=model,
        epochs=epochs,
        steps=len(batches),
        verbose=0,
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
        **options,
    )
    return model.history


def fresh(metric: Any) -> Any:
    """A metric of its own for another model."""
    if isinstance(metric, keras.metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric
