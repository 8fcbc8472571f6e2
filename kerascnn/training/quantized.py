"""Epochs with the rounding of 8 bits, after the others: the quantisation-aware model of a run.

They begin with the model of the best epoch and keep a folder of their own inside the run,
`quantize_aware/`: `history.csv`, a backup while they train, and `model.keras` at the end.
"""

import copy
import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from kerascnn.files import JSON, KERAS, atomic_file, write_text
from kerascnn.training import objectives, run_folder
from kerascnn.training.batches import training_batches
from kerascnn.training.eight_bits import SAMPLES, EightBits, measure
from kerascnn.training.fine_tuned import class_weight
from kerascnn.training.keeper import RunKeeper, State, read_state
from kerascnn.training.run_folder import RunConfig

if TYPE_CHECKING:
    from kerascnn.data import Splits

logger = logging.getLogger("kerascnn.training")

# Of the learning rate of the epochs before: the weights have to find the nearest grid, no new ones.
_RATE = 1 / 20


def has_begun(folder: Path) -> bool:
    """Whether a run is done with its epochs in floating point."""
    return (folder / run_folder.QUANTIZE_AWARE / run_folder.BACKUP).is_dir()


def train_with_rounding(
    folder: Path,
    config: RunConfig,
    model: keras.Model,
    splits: "Splits",
    callbacks: Sequence[keras.callbacks.Callback],
) -> EightBits:
    """Trains the epochs that are left, and measures the int8 files made without and with them.

    Args:
        folder: Of the run.
        config: Of the run; `quantize_aware` says how many epochs.
        model: The trained float model, compiled with its loss.
        splits: The data of the run.
        callbacks: Further Keras callbacks.

    Raises:
        ExportError: The model cannot become a file.
        TrainingError: The loss is not a number any more.
    """
    from kerascnn.quantization import FreezeStatistics
    from kerascnn.serialization import load_model

    own = folder / run_folder.QUANTIZE_AWARE
    (own / run_folder.BACKUP).mkdir(parents=True, exist_ok=True)
    state = read_state(own) or State()
    monitor = objectives.get(config.task).monitor
    keeper = RunKeeper(own, state, patience=None, monitor=monitor)
    epochs = config.quantize_aware
    if state.epochs < epochs:
        logger.info("training with the rounding of 8 bits, %d epochs", epochs)
        if state.epochs:
            aware = load_model(own / run_folder.BACKUP / state.checkpoint)
        else:
            aware = _network(config, model, splits)
        aware.fit(
            training_batches(config, splits, _float_epochs(config) + state.epochs).repeat(),
            steps_per_epoch=len(splits.train),
            validation_data=objectives.get(config.task).targets(
                splits.validation, config.class_names
            ),
            initial_epoch=state.epochs,
            epochs=epochs,
            class_weight=class_weight(config.fine_tuning, splits) if config.fine_tuning else None,
            callbacks=[keeper, *callbacks, *([FreezeStatistics(epochs - 1)] if epochs > 1 else [])],
            shuffle=False,  # the data comes shuffled
            verbose=0,
        )
    found = measure(model, load_model(keeper.best_path), splits, config.seed)
    write_text(own / run_folder.METRICS, json.dumps(found.to_dict(), indent=2) + "\n", JSON)
    with atomic_file(own / run_folder.MODEL, KERAS, overwrite=True) as temporary:
        shutil.copyfile(keeper.best_path, temporary)
    return found


def _network(config: RunConfig, model: keras.Model, splits: "Splits") -> keras.Model:
    """The model with rounding, compiled for the task of the run."""
    from kerascnn.export.conversion.any_model import float32_model
    from kerascnn.quantization import quantize_aware

    samples, _ = splits.sample("train", SAMPLES, seed=config.seed)
    aware = quantize_aware(float32_model(model), samples)
    plan, settings = config.fine_tuning, config.training
    rate = plan.phases[-1].learning_rate if plan else settings.learning_rate
    objective, labels = objectives.get(config.task), splits.labels("train")
    aware.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                rate * _RATE, config.quantize_aware * len(splits.train)
            )
        ),
        objective.loss(model, labels, settings.label_smoothing),
        metrics=copy.copy(objective.metrics),
    )
    return aware


def _float_epochs(config: RunConfig) -> int:
    """How many passes over the data the run plans before; later ones are drawn anew."""
    return config.fine_tuning.epochs if config.fine_tuning else config.training.epochs
