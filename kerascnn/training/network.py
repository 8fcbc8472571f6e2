"""The network of a run: built for its data, compiled, and fitted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from kerascnn.training.checks import Plan


def check_architecture(plan: "Plan", task: str) -> None:
    """Builds the shapes of a network, no weights: what does not fit shows before data is read.

    Raises:
        InputError: A value of an option, or an image size, that the architecture cannot take.
    """
    if not plan.options and plan.image_size == plan.entry.input_shape[:2]:
        return
    kind = tasks.find("classification" if task == "auto" else task)
    _check_task_options(kind, task, plan.options)
    shape = (*plan.image_size, plan.entry.input_shape[2])
    with keras.StatelessScope(initialize_variables=False):
        if plan.fine_tuning is not None:
            catalog.create_model(
                plan.entry.name, include_top=False, input_shape=shape, **plan.options
            )
        else:
            _build(plan.entry.name, shape, 2, kind, plan.options)


def _check_task_options(task: tasks.Task, name: str, options: Mapping[str, Any]) -> None:
    for option in task.options:
        if option in options:
            raise InputError(f"option {option!r} is decided by the task {name}; leave it out.")


def _build(
    name: str,
    input_shape: tuple[int, ...],
    classes: int,
    task: tasks.Task,
    options: Mapping[str, Any],
    weights: str | None = None,
) -> keras.Model:
    """A network with one output, as the task wants it."""
    model = catalog.create_model(
        name, weights=weights, input_shape=input_shape, classes=classes, **task.options, **options
    )
    if not keras.backend.is_keras_tensor(model.output):
        raise InputError(
            f"`train` takes models with one output. {name} with the options {options} has the "
            f"outputs {list(model.output)}: leave the option out, or train with `model.fit`, as "
            "`kerascnn.models.googlenet` shows."
        )
    return model


def network(config: RunConfig, folder: Path, state: State, splits: "Splits") -> keras.Model:
    """The compiled network of a run, as its backup has it where there is one.

    Raises:
        InputError: Options that the task decides, or that give several outputs.
    """
    from kerascnn.serialization import load_model

    if state.epochs:
        return load_model(folder / run_folder.BACKUP / state.checkpoint)
    task = tasks.find(config.task)
    _check_task_options(task, config.task, config.options)
    if config.fine_tuning is not None:
        return fine_tuned.network(config, config.fine_tuning, splits)
    classes = len(config.class_names)
    model = _build(config.model, config.input_shape, classes, task, config.options, config.weights)
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
