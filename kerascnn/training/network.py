"""The network of a run: built for its data, compiled, and fitted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from kerascnn import catalog
from kerascnn.errors import InputError
from kerascnn.training import fine_tuned, run_folder, tasks
from kerascnn.training import precision as computation
from kerascnn.training.batches import training_batches
from kerascnn.training.keeper import State
from kerascnn.training.run_folder import RunConfig
from kerascnn.transfer.first_step import create_state

if TYPE_CHECKING:
    from kerascnn.data import Splits


def network(config: RunConfig, folder: Path, state: State, splits: "Splits") -> keras.Model:
    """The compiled network of a run, as its backup has it where there is one.

    Raises:
        InputError: Options that the task decides, or that give several outputs.
    """
    from kerascnn.serialization import load_model

    if state.epochs:
        return load_model(folder / run_folder.BACKUP / state.checkpoint)
    task = tasks.find(config.task)
    for name in task.options:
        if name in config.options:
            raise InputError(f"option {name!r} is decided by the task {config.task}; leave it out.")
    if config.fine_tuning is not None:
        return fine_tuned.network(config, config.fine_tuning, splits)
    model = catalog.create_model(
        config.model,
        weights=config.weights,
        input_shape=config.input_shape,
        classes=len(config.class_names),
        **task.options,
        **config.options,
    )
    if not keras.backend.is_keras_tensor(model.output):
        raise InputError(
            f"`train` takes models with one output. {config.model} with the options "
            f"{config.options} has the outputs {list(model.output)}: leave the option out, or "
            "train with `model.fit`, as `kerascnn.models.googlenet` shows."
        )
    settings = config.training
    steps = len(splits.train) * settings.epochs
    warmup = max(1, round(settings.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 25,
        decay_steps=max(1, steps - warmup),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    labels = splits.labels("train")
    model = task.complete(computation.keep_outputs(model), labels)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
    model.compile(
        computation.scaled(optimizer, config.precision),
        task.loss(labels, settings.label_smoothing, gives_logits(config)),
        metrics=[task.metric],
    )
    return model


def gives_logits(config: RunConfig) -> bool:
    """Whether the network of a run ends without an activation."""
    return config.options.get("classifier_activation", "softmax") is None


def fit(
    config: RunConfig,
    network: keras.Model,
    splits: "Splits",
    state: State,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains the epochs that are left of a run without phases."""
    targets = tasks.find(config.task).targets
    batches = training_batches(config, splits, state.epochs)
    create_state(network, batches)
    network.fit(
        batches.repeat(),  # one iterator for all epochs: starting one takes tenths of a second
        steps_per_epoch=len(splits.train),
        validation_data=targets(splits.validation, len(config.class_names)),
        initial_epoch=state.epochs,
        epochs=config.training.epochs,
        callbacks=list(callbacks),
        shuffle=False,  # the data comes shuffled
        verbose=0,
    )
