"""The callback that keeps a run: history, backups, the best epoch, early stopping, bad losses."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras

from kerascnn.errors import TrainingError
from kerascnn.files import JSON, KERAS, atomic_file, read_text, write_text
from kerascnn.training.run_folder import BACKUP, write_history

STATE = "state.json"


@dataclass
class State:
    """What an interrupted run goes on from; `state.json` names only files that are complete."""

    checkpoint: str = ""
    best: str = ""
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = math.inf
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.history)


def read_state(folder: Path) -> State | None:
    """Reads the backup of a run folder, or None if not even one epoch was finished."""
    path = folder / BACKUP / STATE
    return State(**json.loads(read_text(path, "backup"))) if path.is_file() else None


class RunKeeper(keras.callbacks.Callback):
    """Saves after each epoch, so that a run killed at any moment loses one epoch at most.

    The best epoch is that of the highest `monitor`, and among equals, or where there is none, that
    of the lowest validation loss.

    The order matters: first the files of the epoch under new names, then `state.json`, which is
    replaced in one step and names them, then the old files go.

    Args:
        folder: The run folder.
        state: Where to go on from.
        patience: Epochs without a better one before training stops; None never stops it.
        monitor: What decides, such as "val_accuracy"; "" for the loss alone.

    Attributes:
        phase_of: Gives the number of the phase that an epoch, counted from 0, belongs to; None in
            runs without phases.
    """

    def __init__(self, folder: Path, state: State, patience: int | None, monitor: str = ""):
        super().__init__()
        self.monitor = monitor
        self.phase_of: Callable[[int], int] | None = None
        self.folder, self.backup = folder, folder / BACKUP
        self.state, self.patience = state, patience
        self._started = time.perf_counter()

    @property
    def best_path(self) -> Path:
        """The model of the best epoch."""
        return self.backup / self.state.best

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if logs and not math.isfinite(float(logs["loss"])):
            raise TrainingError(
                f"the loss became {float(logs['loss'])} in epoch {self.state.epochs + 1}, step "
                f"{batch + 1}, and training stopped. Lower the learning rate (now "
                f"{float(self.model.optimizer.learning_rate):.3g}) or check the data. "
                + (
                    f"The {self.state.epochs} finished epochs are kept in {self.backup}."
                    if self.state.epochs
                    else "No epoch was finished."
                )
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items()}
        row = {
            "epoch": epoch + 1,
            **({"phase": self.phase_of(epoch)} if self.phase_of else {}),
            "learning_rate": float(self.model.optimizer.learning_rate),
            **{name: values[name] for name in _measured(values)},
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        state = self.state
        state.history.append(row)
        state.checkpoint = f"epoch-{epoch + 1:04d}.keras"
        self._save(state.checkpoint)
        accuracy = row.get(self.monitor, 0.0)
        if (accuracy, -row["val_loss"]) > (state.best_accuracy, -state.best_loss):
            state.best_accuracy, state.best_loss = accuracy, row["val_loss"]
            state.best_epoch, state.best = epoch + 1, state.checkpoint
        write_text(self.backup / STATE, json.dumps(asdict(state)), JSON)
        write_history(self.folder, state.history)
        for path in self.backup.glob("epoch-*.keras"):
            if path.name not in (state.checkpoint, state.best):
                path.unlink()
        if self.finished:
            self.model.stop_training = True

    @property
    def finished(self) -> bool:
        """There was no better epoch for `patience` epochs."""
        if self.patience is None:
            return False
        return self.state.epochs - self.state.best_epoch >= self.patience

    def _save(self, name: str) -> None:
        with atomic_file(self.backup / name, KERAS, overwrite=True) as temporary:
            self.model.save(temporary)


def _measured(values: dict[str, float]) -> list[str]:
    """What was measured on training and validation images alike, the loss first; then the rest.

    The rest was measured on validation images alone.
    """
    names = sorted((name for name in values if f"val_{name}" in values), key="loss".__ne__)
    found = [*names, *(f"val_{name}" for name in names)]
    return [*found, *(n for n in values if n.startswith("val_") and n not in found)]
