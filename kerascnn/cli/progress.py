"""A progress bar over the steps of all epochs."""

from typing import Any

import keras
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kerascnn.cli.console import err

# Columns of a terminal from which on all scores have room beside a bar, and from which on a bar as
# long as the rest would be too long to look at.
_WIDE, _WIDEST = 110, 140


def _scores(logs: dict[str, Any], short: bool) -> str:
    """The loss, and what is measured beside it on training and on validation images."""
    found = f"loss {logs['loss']:.4f}"
    for name in logs:
        if name == "loss" or f"val_{name}" not in logs:
            continue
        if not short:
            found += f"  {name.replace('_', ' ')} {logs[name]:.4f}"
        found += f"  validation {logs[f'val_{name}']:.4f}"
    alone = [n for n in logs if n.startswith("val_") and n.removeprefix("val_") not in logs]
    for name in alone[:1] if short else alone:
        found += f"  validation {name.removeprefix('val_')} {logs[name]:.4f}"
    return found


class TrainingProgress(keras.callbacks.Callback):
    """One bar for the whole training on a terminal; one line per epoch where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not err.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[scores]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=err,
            expand=err.width < _WIDEST,
        )
        self._bar.start()
        self._task = self._bar.add_task("training", total=None, scores="")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch, self._step = epoch, 0
        if self._bar:
            epochs, steps = self.params["epochs"], self.params["steps"]
            self._bar.update(
                self._task,
                description=f"epoch {epoch + 1}/{epochs}",
                total=None if steps is None else epochs * steps,
                completed=epoch * (steps or 0),
            )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._bar:
            self._bar.advance(self._task)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        scores = _scores(logs or {}, short=self._bar is not None and err.width < _WIDE)
        if self._bar:
            self._bar.update(self._task, scores=scores)
        else:
            epochs = self.params["epochs"]
            err.print(f"epoch {epoch + 1:>3}/{epochs}  {scores}", markup=False)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Stops drawing; also when training was interrupted."""
        if self._bar:
            self._bar.stop()
            self._bar = None
