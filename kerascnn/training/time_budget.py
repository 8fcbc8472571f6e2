"""Spending a time budget on the phases of a fine-tuning, and saying what it bought."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras

from kerascnn.transfer.phases import Phase

if TYPE_CHECKING:
    from kerascnn.data import Splits
    from kerascnn.training.plan import FineTune

logger = logging.getLogger("kerascnn.training")

# Of the budget, for the features of a frozen backbone; the rest is for the phases after it.
_FEATURES = 0.4
_TIMED_BATCHES = 6
_WARMUP_STEPS, _TIMED_STEPS = 3, 8


class Clock(keras.callbacks.Callback):
    """Ends training before a time budget is over; a phase before the last one only when it is.

    Args:
        plan: The phases, as they are planned.
        spent: Seconds that an interrupted training took.

    Attributes:
        stops_all: Whether it is over; `fine_tune` begins no other phase then.
    """

    def __init__(self, plan: "FineTune", spent: float):
        super().__init__()
        self.plan, self.start = plan, time.perf_counter() - spent
        self._begun, self.stops_all = 0.0, False

    @property
    def left(self) -> float | None:
        """Seconds, or None without a budget."""
        budget = self.plan.time_budget
        return None if budget is None else budget - (time.perf_counter() - self.start)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        left = self.left
        if left is None:
            return
        is_last = self.plan.phase_of(epoch) == len(self.plan.phases)
        # Another epoch of the last phase takes as long as this one did.
        if left < (time.perf_counter() - self._begun if is_last else 0.0):
            self.stops_all = self.model.stop_training = True

    def leaves_room(self, seconds: float) -> bool:
        """Whether so much may be spent before the last phase."""
        return self.left is None or seconds <= _FEATURES * self.left

    def say_what_it_bought(self, history: Sequence[Mapping[str, float]]) -> None:
        """Logs the epochs of each phase, where there is a budget."""
        if self.plan.time_budget is None:
            return
        counts = [
            (phase, sum(row["phase"] == number for row in history))
            for number, phase in enumerate(self.plan.phases, start=1)
        ]
        bought = ", ".join(
            f"phase {phase.name!r} {done} of {phase.epochs} epochs" for phase, done in counts
        )
        logger.info("the time budget of %.0f s bought: %s", self.plan.time_budget, bought)
        missed = [phase.name for phase, done in counts if not done]
        if missed:
            logger.warning(
                "the time budget ended before phase %s: the backbone is as it was. More time, or "
                "smaller images, let it learn too",
                " and ".join(map(repr, missed)),
            )


def seconds_of_a_pass(model: keras.Model, batches: Iterable[Any], images: int) -> float:
    """How long a network takes to answer for so many images; 0 where there are too few to tell."""
    rows, start, size = 0, 0.0, None
    for step, (batch, _) in enumerate(batches):
        if step > _TIMED_BATCHES or (size is not None and len(batch) != size):
            break  # another size would be compiled
        model.predict_on_batch(batch)
        if step == 0:  # now it is compiled
            size, start = len(batch), time.perf_counter()
        else:
            rows += len(batch)
    return images * (time.perf_counter() - start) / rows if rows else 0.0


def fitting(phase: Phase, left: float, model: keras.Model, batches: Any, splits: "Splits") -> Phase:
    """The last phase with as many epochs as the seconds that are left allow, at least one."""
    seconds = _seconds_of_an_epoch(model, batches, splits)
    epochs = max(1, min(phase.epochs, int(left / seconds)))
    if epochs == phase.epochs:
        return phase
    logger.info(
        "phase %r: %d of %d epochs fit into the time budget, at %.1f s each",
        *(phase.name, epochs, phase.epochs, seconds),
    )
    return replace(phase, epochs=epochs)


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
