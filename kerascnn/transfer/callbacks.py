"""Keras callbacks in a training of several `fit` calls: what is honoured, and what is refused."""

import contextlib
import math
import string
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import keras

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import received


def callback_list(callbacks: Any) -> list[keras.callbacks.Callback]:
    """One callback, several or None as a list, without lists of callbacks inside.

    Raises:
        InputError: Something that is no callback.
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, keras.callbacks.Callback):
        return [callbacks]
    if not isinstance(callbacks, Sequence) or isinstance(callbacks, str):
        raise InputError(f"`callbacks` must be Keras callbacks. Received: {received(callbacks)}.")
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            hint = " Make one of the class: call it." if isinstance(callback, type) else ""
            name = callback.__name__ if isinstance(callback, type) else received(callback)
            raise InputError(f"`callbacks` must be Keras callbacks. Received: {name}.{hint}")
    several = keras.callbacks.CallbackList
    return [
        inner
        for each in callbacks
        for inner in (callback_list(each) if isinstance(each, several) else [each])
    ]


def refuse_callbacks(
    callbacks: Sequence[keras.callbacks.Callback],
    function: str,
    instead: Mapping[str, str],
) -> None:
    """An InputError for callbacks that a function cannot honour, or this installation.

    Args:
        callbacks: What the user gave.
        function: Its name.
        instead: Names of Keras's callbacks that are refused, and what to do instead.
    """
    for callback in callbacks:
        for kind in type(callback).__mro__:
            if kind.__name__ in instead and kind.__module__.startswith("keras"):
                raise InputError(
                    f"{function} cannot honour the callback {kind.__name__}: "
                    f"{instead[kind.__name__]}."
                )
        if isinstance(callback, keras.callbacks.TensorBoard) and not find_spec("tensorboard"):
            raise InputError(
                "the callback TensorBoard needs the package tensorboard: pip install tensorboard."
            )


def check_monitors(
    callbacks: Sequence[keras.callbacks.Callback],
    metrics: Sequence[Any],
    validation: bool,
) -> None:
    """Completes the mode of callbacks that monitor a metric, before the first step.

    Args:
        callbacks: In their order.
        metrics: That the model is compiled with.
        validation: Whether there is validation data.

    Raises:
        InputError: A metric that is not measured, or that may be better either way.
    """
    directions = {"loss": "min", **{metric_name(m): direction_of(m) for m in metrics}}
    known = [*directions, *(f"val_{name}" for name in directions if validation)]
    for place, callback in enumerate(callbacks):
        # A callback of the user's may add figures of its own to the logs.
        known_all = not any(_may_log(earlier) for earlier in callbacks[:place])
        kind = type(callback).__name__
        monitor = _monitor_of(callback)
        if monitor is not None:
            decides = getattr(callback, "mode", None) != "auto"
            if monitor not in known and not (decides and not known_all):
                raise InputError(_not_measured(kind, monitor, known, validation))
            if not decides:
                mode = directions[monitor.removeprefix("val_")]
                if mode is None:
                    raise InputError(
                        f"{kind} monitors {monitor!r}, of which it is not known whether higher or "
                        f"lower is better. Say so: {kind}(monitor={monitor!r}, mode='max') or "
                        "mode='min'."
                    )
                callback.mode = mode
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and known_all:
            for _, field, _, _ in string.Formatter().parse(str(callback.filepath)):
                if field and field not in (*known, "epoch", "batch"):
                    raise InputError(
                        f"ModelCheckpoint: no {field!r} is measured, which its path "
                        f"{callback.filepath!r} names. There is: epoch, {', '.join(known)}."
                    )


class OneTraining(keras.callbacks.CallbackList):
    """Callbacks that see several `fit` calls as one training.

    `on_train_begin` reaches them in the first `fit` only, and `on_train_end` by `close`: a log file
    is not begun anew by the second, a history is not forgotten. Early stopping does begin anew.
    """

    callbacks: list[keras.callbacks.Callback]

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]):
        super().__init__(list(callbacks))
        self._begun = False
        self._logs: Any = None

    def set_model(self, model: Any) -> None:
        if model is not None and model is not getattr(self, "model", None):
            super().set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        with self._reaching(lambda each: _is_of_each_fit(each) or not self._begun):
            super().on_train_begin(logs)
        self._begun = True

    def on_train_end(self, logs: Any = None) -> None:
        self._logs = logs
        with self._reaching(_is_of_each_fit):
            super().on_train_end(logs)

    def close(self) -> None:
        """The training is over."""
        if self._begun:
            for callback in self.callbacks:
                if not _is_of_each_fit(callback):
                    callback.on_train_end(self._logs)

    @contextlib.contextmanager
    def _reaching(self, chosen: Callable[[Any], bool]) -> Iterator[None]:
        everyone = self.callbacks
        self.callbacks = [each for each in everyone if chosen(each)]
        try:
            yield
        finally:
            self.callbacks = everyone


def _is_of_each_fit(callback: Any) -> bool:
    """Whether a callback begins and ends with each `fit`, as all others do with the training."""
    return isinstance(callback, keras.callbacks.EarlyStopping | OneTraining)


class LossGuard(keras.callbacks.Callback):
    """Ends training at the end of an epoch whose loss is not a number.

    Attributes:
        epoch: From 1; 0 as long as there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):
            self.epoch = epoch + 1
            self.model.stop_training = True


def stopped_by(callbacks: Collection[keras.callbacks.Callback]) -> str:
    """Who ended a `fit`, as far as it can be told."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.stopped_epoch > 0:
            return f"EarlyStopping on {callback.monitor}"
    return "a callback"


def metric_name(metric: Any) -> str:
    """What Keras calls a metric in the logs."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__))


def direction_of(metric: Any) -> str | None:
    """Whether a metric is best at its "max" or "min"; None where that is not known."""
    if isinstance(metric, str):
        if metric.lower() in ("accuracy", "acc"):
            return "max"
        metric = keras.metrics.get(metric)
    return {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))


def _monitor_of(callback: Any) -> str | None:
    """The metric that a callback of Keras's decides by."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_best_only:
        # Keras looks for the better direction of its monitor all the same, and fails without.
        if getattr(callback, "mode", None) == "auto":
            callback.mode = "min"
        return None
    kinds = (
        keras.callbacks.EarlyStopping,
        keras.callbacks.ModelCheckpoint,
        keras.callbacks.ReduceLROnPlateau,
    )
    return callback.monitor if isinstance(callback, kinds) else None


def _may_log(callback: Any) -> bool:
    """Whether code of the user's looks at the logs of each epoch."""
    if "on_epoch_end" in vars(callback):  # a LambdaCallback
        return True
    own = type(callback).on_epoch_end is not keras.callbacks.Callback.on_epoch_end
    return own and not type(callback).__module__.startswith("keras")


def _not_measured(kind: str, monitor: str, known: Sequence[str], validation: bool) -> str:
    why = "" if validation or not monitor.startswith("val_") else " There is no validation data."
    return (
        f"{kind} monitors {monitor!r}, which is not measured.{why} Expected one of: "
        f"{', '.join(known)}. Say {kind}(monitor=...), or pass metrics=[...]."
    )
