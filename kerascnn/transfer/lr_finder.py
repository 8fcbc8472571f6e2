"""Learning-rate range test (Smith 2017, arXiv:1506.01186, section 3.3)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn.errors import BatchError, InputError, TrainingError
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.targets import targets_of
from kerascnn.transfer.feeding.sources import Source
from kerascnn.transfer.objective import check_activation

# The test ends when the smoothed loss is this many times its lowest value, as in fastai.
DIVERGED = 4.0


@dataclass(frozen=True)
class LearningRateCurve:
    """What `lr_find` measured.

    Attributes:
        rates: Learning rate of each step, rising.
        losses: Loss of each step's batch, before the step.
        smoothed: Moving average of the losses, without the pull towards its start.
        suggestion: A learning rate to train with.
        diverged: The test ended before `highest`, as the loss rose.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float
    diverged: bool


@keras_words(
    instead={
        "epochs": "the test takes `steps` batches, not epochs",
        "learning_rate": "it rises from `lowest` to `highest`",
        "callbacks": "the test is no training, and is put back",
        "verbose": "the test takes a hundred steps, and returns all their losses",
        "validation": "the loss of the training batches is looked at",
        "validation_data": "the loss of the training batches is looked at",
        "train": "it is `data`",
        "x": "pass the images with their labels, data=(images, labels)",
        "y": "pass the images with their labels, data=(images, labels)",
    }
)
def lr_find(
    model: keras.Model,
    data: Any,
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.98,
    batch_size: int = 32,
    seed: int = 0,
) -> LearningRateCurve:
    """Trains for some steps with a rising learning rate, and leaves the model as it was.

    The rate rises by equal factors. A copy of the model's optimiser takes the steps; afterwards
    all weights and the states of random layers are put back. The model's own optimiser and what
    `compile` made are not touched.

    The suggestion is a tenth of the rate with the lowest smoothed loss, fastai's "minimum". The
    steepest point and the middle of the longest fall, which are common too, are thrown off by noise
    where the loss is level: on small networks for `digits`, trained for 3 epochs, they led to test
    accuracies down to 10 % and 15 %, a tenth of the minimum to 52 % at least.

    Args:
        model: Built and compiled, one output; what is frozen in it stays frozen.
        data: Batches of (images, targets) or (images, targets, sample weights), as `fine_tune`
            takes them, or a generator: no more than `steps` are taken, and it is begun again when
            it ends; or two or three arrays, shuffled and batched here.
        lowest: First learning rate.
        highest: Last one, unless the loss diverges before: becomes no number, or 4 times its
            lowest smoothed value.
        steps: How many, at least 10.
        smoothing: Weight of the past in the moving average, in [0, 1).
        batch_size: For arrays.
        seed: Of the order of arrays.

    Raises:
        InputError: A model, data or value that cannot be used; of labels and images the message
            says which, and where.
        TrainingError: The loss is not a number from the start, or does not fall at any rate.
    """
    _check(model, lowest, highest, steps, smoothing)
    source = _source(model, data, batch_size, seed, steps)
    rates = np.geomspace(lowest, highest, steps)
    saved = [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]
    try:
        losses = _losses(_probe(model, lowest), _batches(source), rates, smoothing)
    finally:
        for variable, value in zip(model.variables, saved, strict=True):
            variable.assign(value)
    if not losses:
        raise TrainingError(
            "the loss of the first batch is not a number, before anything was trained. Check the "
            "data and the weights."
        )
    smoothed = _smoothed(losses, smoothing)
    best = int(np.argmin(smoothed))
    if not best:
        raise TrainingError(
            f"the loss did not fall at any learning rate from {lowest:g} on. Take more steps, a "
            "lower first rate, or check the data."
        )
    return LearningRateCurve(
        rates=tuple(float(rate) for rate in rates[: len(losses)]),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        suggestion=float(rates[best]) / 10,
        diverged=len(losses) < steps,
    )


class _Probe(keras.Model):
    """A model of its own to compile, around that of the user."""

    def __init__(self, model: keras.Model):
        super().__init__(name="probe", dtype=model.dtype_policy)
        self.model = model

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.model(x, training=training)


def _probe(model: keras.Model, rate: float) -> keras.Model:
    config = _with_rate(keras.optimizers.serialize(model.optimizer), rate)
    probe = _Probe(model)
    probe.compile(
        keras.optimizers.deserialize(config),
        model.loss,
        run_eagerly=model.run_eagerly,
        jit_compile=model.jit_compile,
    )
    probe.optimizer.build(model.trainable_variables)  # or its first step would be traced twice
    return probe


def _with_rate(config: Any, rate: float) -> Any:
    """An optimiser's configuration, those inside it included, with a constant learning rate."""
    if not isinstance(config, dict):
        return config
    return {
        key: rate if key == "learning_rate" else _with_rate(value, rate)
        for key, value in config.items()
    }


def _losses(
    probe: keras.Model, batches: Iterator[Any], rates: np.ndarray, smoothing: float
) -> list[float]:
    losses: list[float] = []
    lowest = math.inf
    for rate in rates:
        probe.optimizer.learning_rate = float(rate)
        probe.reset_metrics()  # else the loss would be the mean of all steps
        loss = float(probe.train_on_batch(*next(batches)))
        if not math.isfinite(loss):
            break
        losses.append(loss)
        average = _smoothed(losses, smoothing)[-1]
        lowest = min(lowest, average)
        if average > DIVERGED * lowest:
            break
    return losses


def _smoothed(losses: list[float], smoothing: float) -> list[float]:
    average, smoothed = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = smoothing * average + (1 - smoothing) * loss
        smoothed.append(average / (1 - smoothing**step))
    return smoothed


def _source(model: keras.Model, data: Any, batch_size: int, seed: int, steps: int) -> Source:
    try:
        source = Source(data, "data", batch_size=batch_size, seed=seed, steps=steps)
    except BatchError as error:
        raise BatchError(f"`data` must be batches (images, targets). {error}") from error
    check_activation(model, model.loss)
    source.suit(model, targets_of(model.loss, tuple(model.output_shape)), look=False)
    return source


def _batches(source: Source) -> Iterator[Any]:
    yield from source.cycle()
    raise InputError(
        "`data` ended before the last step. Pass data that can be gone through again, such as the "
        "function that makes a generator, or a smaller `steps`."
    )


def _check(model: keras.Model, lowest: float, highest: float, steps: int, smoothing: float) -> None:
    if not isinstance(model, keras.Model) or not model.built or not model.compiled:
        raise InputError("`model` must be a keras.Model that is built and compiled.")
    if not isinstance(model.loss, str | keras.losses.Loss) and not callable(model.loss):
        raise InputError("`model` must be compiled with one loss, for one output.")
    for method in ("train_step", "compute_loss"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise InputError(
                f"{type(model).__name__} has a `{method}` of its own, which the test would not run."
            )
    if not 0 < lowest < highest < math.inf:
        raise InputError(
            f"0 < `lowest` < `highest` is needed. Received: {lowest!r} and {highest!r}."
        )
    if not isinstance(steps, int) or steps < 10:
        raise InputError(f"`steps` must be a whole number of at least 10. Received: {steps!r}.")
    if not 0 <= smoothing < 1:
        raise InputError(f"`smoothing` must be in [0, 1). Received: {smoothing!r}.")
