"""Fine-tuning runs: the network with its new head, and the phases."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from kerascnn import augment, catalog
from kerascnn.errors import TrainingError
from kerascnn.files import write_text
from kerascnn.training import objectives, run_folder
from kerascnn.training.batches import training_batches
from kerascnn.training.plan import FineTune
from kerascnn.transfer.phases import Phase

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.keeper import State
    from kerascnn.training.run_folder import RunConfig

logger = logging.getLogger("kerascnn.training")

FEATURES = "features"  # in the backup of a run
# From here on, the largest class against the smallest, the loss is weighted.
IMBALANCE = 1.5
_WARMUP_STEPS, _TIMED_STEPS = 3, 8


def network(config: "RunConfig", plan: FineTune, splits: "Splits") -> keras.Model:
    """The backbone with its weights, and a fresh head for the run's task."""
    backbone = catalog.create_model(
        config.model,
        include_top=False,
        weights=config.weights,
        input_shape=config.input_shape,
        **config.options,
    )
    return objectives.get(config.task).fine_tuned(
        backbone, config.class_names, plan.head, splits.labels("train")
    )


def fit(
    folder: Path,
    config: "RunConfig",
    plan: FineTune,
    model: keras.Model,
    splits: "Splits",
    state: "State",
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains the phases that are left, and keeps in `config.json` what is decided on the way."""
    from kerascnn.transfer import fine_tune, mirrored, original

    objective, names = objectives.get(config.task), config.class_names
    clock = _Clock(plan.time_budget, spent=sum(row["seconds"] for row in state.history))

    def augmented(epoch: int) -> Any:
        return training_batches(config, splits, epoch)

    def prepare(number: int, phase: Phase) -> Phase:
        nonlocal plan
        changed = _decide(plan, number, phase, model, augmented, splits, clock)
        if changed != phase:
            phases = [*plan.phases]
            phases[number - 1] = changed
            plan = replace(plan, phases=tuple(phases))
            changed_config = replace(config, fine_tuning=plan)
            write_text(folder / run_folder.CONFIG, changed_config.to_json())
        return changed

    labels = splits.labels("train")
    fine_tune(
        model,
        _InOrder(splits, "train", config.training.batch_size, objective, names),
        objective.targets(splits.validation, names),
        phases=plan.phases,
        augmented=augmented,
        prepare=prepare,
        loss=objective.loss(model, labels, config.training.label_smoothing),
        metrics=list(objective.metrics),
        monitor=objective.monitor or "val_loss",
        batch_size=config.training.batch_size,
        batch_norm=plan.batch_norm,
        weight_decay=config.training.weight_decay,
        class_weight=class_weight(plan, splits),
        cache=folder / run_folder.BACKUP / FEATURES,
        views=(original, mirrored) if _mirrors(config) else (original,),
        epochs_done=state.epochs,
        seed=config.seed,
        callbacks=[*callbacks, clock],
    )


def _mirrors(config: "RunConfig") -> bool:
    """Whether the run's augmentation takes mirror images for as good."""
    steps = augment.get(config.augment, config.input_shape[:2]).steps
    return any(isinstance(step, augment.Flip) and step.horizontal for step in steps)


class _InOrder:
    """The images of a split in the order of its files: the same whenever they are read."""

    def __init__(
        self,
        splits: "Splits",
        split: str,
        size: int,
        objective: objectives.Objective,
        names: Sequence[str],
    ):
        self.splits, self.split, self.size = splits, split, size
        self.objective, self.names = objective, names

    def __len__(self) -> int:
        return -(-self.splits.counts[self.split] // self.size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for images, labels in self.splits.batches(self.split, self.size):
            yield images, self.objective.rows(labels, self.names)


class _Clock(keras.callbacks.Callback):
    """Ends training before a time budget is over."""

    def __init__(self, budget: float | None, spent: float):
        super().__init__()
        self.budget, self.start = budget, time.perf_counter() - spent
        self._begun = 0.0

    @property
    def left(self) -> float | None:
        """Seconds, or None without a budget."""
        return None if self.budget is None else self.budget - (time.perf_counter() - self.start)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - self._begun
        if self.left is not None and self.left < seconds and not self.model.stop_training:
            logger.info("the time budget is used up after %d epochs", epoch + 1)
            self.model.stop_training = True


def _decide(
    plan: FineTune,
    number: int,
    phase: Phase,
    model: keras.Model,
    augmented: Callable[[int], Any],
    splits: "Splits",
    clock: _Clock,
) -> Phase:
    """The phase with the learning rate and the epochs that are found when it begins."""
    first = sum(earlier.epochs for earlier in plan.phases[: number - 1])
    if plan.find_learning_rate and phase.until != "head":
        from kerascnn.transfer import lr_find

        try:
            rate = lr_find(model, augmented(first)).suggestion
        except TrainingError as error:
            logger.warning(
                "phase %r: the range test failed, and the learning rate stays %.2g. %s",
                *(phase.name, phase.learning_rate, error),
            )
        else:
            logger.info("phase %r: learning rate %.2g, by a range test", phase.name, rate)
            phase = replace(phase, learning_rate=rate)
    if clock.left is not None and number == len(plan.phases):
        seconds = _seconds_of_an_epoch(model, augmented(first), splits)
        epochs = max(1, min(phase.epochs, int(clock.left / seconds)))
        if epochs < phase.epochs:
            logger.info(
                "phase %r: %d of %d epochs fit into the time budget, at %.1f s each",
                *(phase.name, epochs, phase.epochs, seconds),
            )
            phase = replace(phase, epochs=epochs)
    return phase


def _seconds_of_an_epoch(model: keras.Model, batches: Any, splits: "Splits") -> float:
    """Times a few steps, whose weights are taken back."""
    weights, rows, start = model.get_weights(), 0, 0.0
    for step, (images, labels) in enumerate(batches.repeat().take(_WARMUP_STEPS + _TIMED_STEPS)):
        if step == _WARMUP_STEPS:  # by now, all is compiled
            start = time.perf_counter()
        model.train_on_batch(images, labels)
        rows += len(labels) if step >= _WARMUP_STEPS else 0
    seconds = (time.perf_counter() - start) / rows
    model.set_weights(weights)
    # Validation has no backward pass: about a third.
    return seconds * (splits.counts["train"] + splits.counts["validation"] / 3)


def class_weight(plan: FineTune, splits: "Splits") -> dict[int, float] | None:
    """The weight of each class in the loss, where the plan asks for it and classes differ."""
    if not plan.balance:
        return None
    return objectives.get(splits.task).class_weight(splits, IMBALANCE)
