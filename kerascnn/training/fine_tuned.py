"""Fine-tuning runs: the network with its new head, and the phases."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from kerascnn import augment, catalog
from kerascnn.errors import TrainingError
from kerascnn.files import JSON, write_text
from kerascnn.training import objectives, run_folder
from kerascnn.training.batches import training_batches
from kerascnn.training.plan import FineTune
from kerascnn.training.time_budget import Clock, fitting, seconds_of_a_pass
from kerascnn.transfer.phases import Phase

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.keeper import RunKeeper, State
    from kerascnn.training.run_folder import RunConfig
    from kerascnn.transfer.keeping import Done

logger = logging.getLogger("kerascnn.training")

FEATURES = "features"  # in the backup of a run
# From here on, the largest class against the smallest, the loss is weighted.
IMBALANCE = 1.5


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
    keeper: "RunKeeper",
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains the phases that are left, and keeps in `config.json` what is decided on the way."""
    from kerascnn.transfer import fine_tune, mirrored, original

    objective, names = objectives.get(config.task), config.class_names
    clock = Clock(plan, spent=sum(row["seconds"] for row in state.history))

    def augmented(epoch: int) -> Any:
        return training_batches(config, splits, epoch)

    def keep(phases: Sequence[Phase]) -> None:
        nonlocal plan
        plan = replace(plan, phases=tuple(phases))
        write_text(folder / run_folder.CONFIG, replace(config, fine_tuning=plan).to_json(), JSON)

    def change(number: int, phase: Phase) -> None:
        if phase != plan.phases[number - 1]:
            keep([*plan.phases[: number - 1], phase, *plan.phases[number:]])

    def repeat(number: int, phase: Phase) -> None:
        keep([*plan.phases[: number - 1], phase, *plan.phases[number - 1 :]])
        clock.plan = plan

    def prepare(number: int, phase: Phase) -> Phase:
        change(number, phase)
        clock.plan = plan  # what is cut to fit the time is said against it
        changed = _decide(plan, number, phase, model, augmented, splits, clock)
        change(number, changed)
        return changed

    keeper.phase_of = lambda epoch: plan.phase_of(epoch)

    labels = splits.labels("train")
    images = _InOrder(splits, "train", config.training.batch_size, objective, names)
    views = (original, mirrored) if _mirrors(config) else (original,)
    if plan.time_budget is not None and len(views) > 1 and plan.phases[0].until == "head":
        seconds = seconds_of_a_pass(model, images, splits.counts["train"])
        if not clock.leaves_room(len(views) * seconds):
            views = (original,)
            logger.info(
                "phase %r: without mirror images, for which the time budget has no room: a pass "
                "over the training images takes %.0f s",
                *(plan.phases[0].name, seconds),
            )
    fine_tune(
        model,
        images,
        objective.targets(splits.validation, names),
        phases=plan.phases,
        augmented=augmented,
        prepare=prepare,
        shortened=change,
        repeated=repeat,
        loss=objective.loss(model, labels, config.training.label_smoothing),
        metrics=list(objective.metrics),
        monitor=objective.monitor or "val_loss",
        batch_size=config.training.batch_size,
        batch_norm=plan.batch_norm_of(config.weights),
        weight_decay=config.training.weight_decay,
        class_weight=class_weight(plan, splits),
        cache=folder / run_folder.BACKUP / FEATURES,
        views=views,
        done=_done(state, keeper),
        seed=config.seed,
        callbacks=[keeper, *callbacks, clock],
    )
    clock.say_what_it_bought(state.history)


def _done(state: "State", keeper: "RunKeeper") -> "Done | None":
    """What an interrupted training had."""
    from kerascnn.serialization import load_model
    from kerascnn.transfer.keeping import Done

    if not state.epochs:
        return None
    return Done(tuple(state.history), load_model(keeper.best_path).get_weights())


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


def _decide(
    plan: FineTune,
    number: int,
    phase: Phase,
    model: keras.Model,
    augmented: Callable[[int], Any],
    splits: "Splits",
    clock: Clock,
) -> Phase:
    """The phase with the learning rate and the epochs that are found when it begins."""
    first = sum(earlier.epochs for earlier in plan.phases[: number - 1])
    # A phase that is begun again has a lower rate for good reason.
    begun_again = number > 1 and plan.phases[number - 2].name == phase.name
    if plan.find_learning_rate and phase.until != "head" and not begun_again:
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
        phase = fitting(phase, clock.left, model, augmented(first), splits)
    return phase


def class_weight(plan: FineTune, splits: "Splits") -> dict[int, float] | None:
    """The weight of each class in the loss, where the plan asks for it and classes differ."""
    if not plan.balance:
        return None
    return objectives.get(splits.task).class_weight(splits, IMBALANCE)
