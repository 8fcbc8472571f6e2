"""What a fine-tuning keeps: its history, its best weights, and its accuracy when it falls."""

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

# A phase is ended below its first accuracy less so much, and begun again so often and so slowly.
FALL = 0.05
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
    """Remembers the weights of the epoch with the best value of a metric, and all figures."""

    def __init__(self, watched: keras.Model, objective: Objective, done: Done | None = None):
        super().__init__()
        self.watched, self.objective = watched, objective
        self.epoch, self.value = 0, -math.inf
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
        if not (value > self.value and math.isfinite(figures.get("loss", 0.0))):
            return False
        self.value = value
        return True


class FallGuard(keras.callbacks.Callback):
    """Ends a guarded phase whose validation accuracy falls.

    Attributes:
        fallen: Whether the phase was ended.
    """

    def __init__(self, objective: Objective):
        super().__init__()
        self.monitor = objective.monitor
        self.guards = objective.rising and "accuracy" in objective.monitor
        self.fallen, self._least, self._retries = False, -math.inf, 0
        self._start = self._value = math.nan

    def begin(self, phase: Phase, rows: Sequence[Mapping[str, float]], number: int) -> None:
        """Looks at what was before a phase, the `number`-th from 1, and perhaps at its beginning.

        Args:
            rows: The history until now.
        """
        self.fallen, self._least = False, -math.inf
        before = [row for row in rows if row.get("phase", 0) < number and self.monitor in row]
        if not (self.guards and phase.guarded and before):
            return
        best = max(float(row[self.monitor]) for row in before)
        if not self._retries:
            self._start = float(before[-1][self.monitor])
        else:
            self._start = best
        self._least = self._start - FALL
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
        words = "phase %r: %s fell from %.3f to %.3f"
        figures = (phase.name, self.monitor, self._start, self._value)
        if self._retries == _RETRIES:
            logger.warning(f"{words}, again: it is left out, and the best weights stay", *figures)
            return None
        self._retries += 1
        slower = replace(phase, learning_rate=phase.learning_rate * _SLOWER)
        logger.warning(
            f"{words}: it begins again from the best weights, at a learning rate of %.2g",
            *(*figures, slower.learning_rate),
        )
        return slower

    def _look(self, value: float) -> None:
        self._value = value
        # One part in a million: accuracies are float32.
        self.fallen = value < self._least - 1e-6
