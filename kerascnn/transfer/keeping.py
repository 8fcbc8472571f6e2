"""What a fine-tuning keeps: its history, its best weights, and its accuracy when it falls."""

import itertools
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from kerascnn.transfer.objective import Objective
from kerascnn.transfer.phases import Phase

logger = logging.getLogger("kerascnn.transfer")

# A phase is ended where a score in 0..1 is so much worse than at its start, or another figure, such
# as a loss, by this share; and begun again so often and so slowly.
FALL, RISE = 0.05, 0.25
_SLOWER, _RETRIES = 1 / 3, 2


@dataclass(frozen=True)
class Done:
    """What an interrupted fine-tuning had.

    Attributes:
        rows: Its history: of each epoch the number, that of its `phase`, and metrics.
        weights: Of its best epoch, as `get_weights` gives them.
    """

    rows: Sequence[Mapping[str, float]]
    weights: list[np.ndarray]


class Best(keras.callbacks.Callback):
    """Remembers the weights of the epoch with the best value of a metric, and all figures.

    Among equals, the one with the lowest validation loss, as `kerascnn.train` judges its epochs.
    """

    def __init__(self, watched: keras.Model, objective: Objective, done: Done | None = None):
        super().__init__()
        self.watched, self.objective = watched, objective
        self.epoch, self.value, self._loss = 0, -math.inf, math.inf
        self.weights: list[np.ndarray] = []
        self.phase = 0
        self.rows: list[dict[str, float]] = []
        for row in () if done is None else done.rows:
            self.rows.append(dict(row))
            if self._is_better(row):
                self.epoch = int(row["epoch"])
        if done is not None:
            self.weights = done.weights

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        figures = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, "phase": self.phase, **figures})
        if self._is_better(figures):
            self.epoch = epoch + 1
            self.weights = self.watched.get_weights()

    def _is_better(self, figures: Mapping[str, float]) -> bool:
        value = figures.get(self.objective.monitor, math.nan)
        value = value if self.objective.rising else -value
        loss = figures.get("val_loss", math.inf)
        better = (value, -loss) > (self.value, -self._loss)
        if not (better and math.isfinite(figures.get("loss", 0.0))):
            return False
        self.value, self._loss = value, loss
        return True


class Averages(keras.callbacks.SwapEMAWeights):
    """Judges and saves the moving averages of the weights, where the optimiser keeps some.

    At the end of an epoch the model has the averages, and the optimiser the weights in their place;
    the next epoch puts them back.
    """

    def __init__(self) -> None:
        super().__init__(swap_on_epoch=True)

    def begin(self, within: bool) -> None:
        """A phase begins, or goes on `within` with a model saved at the end of an epoch."""
        self._ema_weights_in_model = within and self._averaging

    @property
    def _averaging(self) -> bool:
        optimizer = self.model.optimizer
        return bool(getattr(optimizer, "inner_optimizer", optimizer).use_ema)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._averaging:
            super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._averaging:
            super().on_epoch_end(epoch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        if self._averaging:
            super().on_test_begin(logs)

    def on_test_end(self, logs: Any = None) -> None:
        if self._averaging:
            super().on_test_end(logs)


class FallGuard(keras.callbacks.Callback):
    """Ends a guarded phase whose validation score falls, or whose validation loss rises.

    Attributes:
        fallen: Whether the phase was ended.
    """

    def __init__(self, objective: Objective):
        super().__init__()
        self.monitor, self.rising = objective.monitor, objective.rising
        self.fallen, self._retries = False, 0
        self._start = self._value = math.nan

    def begin(
        self, number: int, phases: Sequence[Phase], rows: Sequence[Mapping[str, float]]
    ) -> None:
        """Looks at what was before the `number`-th phase, from 1, and perhaps at its beginning.

        Args:
            phases: All; those before it with its name are what it is a repetition of.
            rows: The history until now.
        """
        self.fallen, self._start = False, math.nan
        phase, earlier = phases[number - 1], phases[: number - 1]
        before = [row for row in rows if row.get("phase", 0) < number and self.monitor in row]
        if not (phase.guarded and before):
            return
        same = itertools.takewhile(lambda each: each.name == phase.name, reversed(earlier))
        self._retries = len(list(same))
        values = [float(row[self.monitor]) for row in before]
        # It is begun again from the best weights.
        best = max if self.rising else min
        self._start = best(values) if self._retries else values[-1]
        inside = [row for row in rows if row.get("phase") == number and self.monitor in row]
        if inside:
            self._look(float(inside[-1][self.monitor]))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        value = float((logs or {}).get(self.monitor, math.nan))
        self._look(value)
        if self.fallen:
            self.model.stop_training = True

    def again(self, phase: Phase) -> Phase | None:
        """The phase as it is begun again, or None after too many tries; says so."""
        words = f"phase %r: %s {'fell' if self.rising else 'rose'} from %.3f to %.3f"
        figures = (phase.name, self.monitor, self._start, self._value)
        if self._retries == _RETRIES:
            logger.warning(f"{words}, again: it is left out, and the best weights stay", *figures)
            return None
        slower = replace(phase, learning_rate=phase.learning_rate * _SLOWER)
        logger.warning(
            f"{words}: it begins again from the best weights, at a learning rate of %.2g",
            *(*figures, slower.learning_rate),
        )
        return slower

    def _look(self, value: float) -> None:
        self._value = value
        worse = self._start - value if self.rising else value - self._start
        score = self.rising and abs(self._start) <= 1
        # One part in a million: metrics are float32. No number is worse than NaN.
        self.fallen = worse > (FALL if score else RISE * abs(self._start)) + 1e-6
