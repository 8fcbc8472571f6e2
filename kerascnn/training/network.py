"""The network of a run: built for its data, compiled, and fitted."""

import copy
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from kerascnn import catalog
from kerascnn.training import fine_tuned, objectives, run_folder
from kerascnn.training import precision as computation
from kerascnn.training.batches import training_batches
from kerascnn.training.keeper import State
from kerascnn.training.run_folder import RunConfig
from kerascnn.transfer.first_step import create_state

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.checks import Plan


def check_architecture(plan: "Plan", task: str) -> None:
    """Builds the shapes of a network, no weights: what does not fit shows before data is read.

    Raises:
        InputError: A value of an option, or an image size, that the architecture cannot take.
    """
    usual = not plan.options and plan.image_size == plan.entry.input_shape[:2]
    if usual and task != "detection":  # which needs more of an architecture than its own head does
        return
    objective = objectives.get("classification" if task == "auto" else task)
    objective = objective.chosen(plan.entry, plan.options)
    objective.check_options(plan.options)
    shape = (*plan.image_size, plan.entry.input_shape[2])
    create = functools.partial(
        catalog.create_model, plan.entry.name, weights=None, input_shape=shape
    )
    with keras.StatelessScope(initialize_variables=False):
        if plan.fine_tuning is not None:
            create(include_top=False, **plan.options)
        else:
            objective.network(create, ("a", "b"), np.zeros(2), plan.options)


def network(config: RunConfig, folder: Path, state: State, splits: "Splits") -> keras.Model:
    """The compiled network of a run, as its backup has it where there is one.

    Raises:
        InputError: Options that the task decides, or that give several outputs.
    """
    from kerascnn.serialization import load_model

    if state.epochs:
        return load_model(folder / run_folder.BACKUP / state.checkpoint)
    objective = objectives.of(config.task, config.model, config.options)
    objective.check_options(config.options)
    if config.fine_tuning is not None:
        return fine_tuned.network(config, config.fine_tuning, splits)
    labels = splits.labels("train")
    create = functools.partial(
        catalog.create_model, config.model, weights=config.weights, input_shape=config.input_shape
    )
    model = objective.network(create, config.class_names, labels, config.options)
    settings = config.training
    steps = len(splits.train) * settings.epochs
    warmup = max(1, round(settings.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 25,
        decay_steps=max(1, steps - warmup),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
    model.compile(
        computation.scaled(optimizer, config.precision),
        objective.loss(model, labels, settings.label_smoothing),
        metrics=copy.copy(objective.metrics),
    )
    return model


def fit(
    config: RunConfig,
    network: keras.Model,
    splits: "Splits",
    state: State,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains the epochs that are left of a run without phases."""
    targets = objectives.of(config.task, config.model, config.options).targets
    batches = training_batches(config, splits, state.epochs)
    create_state(network, batches)
    network.fit(
        batches.repeat(),  # one iterator for all epochs: starting one takes tenths of a second
        steps_per_epoch=len(splits.train),
        validation_data=targets(splits.validation, config.class_names),
        initial_epoch=state.epochs,
        epochs=config.training.epochs,
        callbacks=list(callbacks),
        shuffle=False,  # the data comes shuffled
        verbose=0,
    )
