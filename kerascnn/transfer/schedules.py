"""Learning rates that rise first and fall then."""

import math
from typing import Any

import keras
from keras import ops

from kerascnn.errors import InputError

Tensor = Any


@keras.saving.register_keras_serializable(package="kerascnn")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """The one-cycle schedule (Smith 2018, arXiv:1803.09820) in fastai's form: two half cosines.

    From peak / start_factor up to the peak, then down to peak / end_factor, where it stays.

    Args:
        peak: Highest learning rate.
        steps: Optimiser steps of the whole cycle.
        warmup: Share of the steps in which the rate rises, in (0, 1).
        start_factor: Peak over the first rate, at least 1.
        end_factor: Peak over the last rate, at least 1.
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        warmup: float = 0.3,
        start_factor: float = 25.0,
        end_factor: float = 1e4,
    ):
        super().__init__()
        _check(peak, steps)
        if not 0 < warmup < 1:
            raise InputError(f"`warmup` must be in (0, 1). Received: {warmup!r}.")
        if start_factor < 1 or end_factor < 1:
            raise InputError(
                "`start_factor` and `end_factor` must be at least 1. "
                f"Received: {start_factor!r} and {end_factor!r}."
            )
        self.peak, self.steps, self.warmup = peak, steps, warmup
        self.start_factor, self.end_factor = start_factor, end_factor

    def __call__(self, step: Tensor) -> Tensor:
        """The learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        top = self.warmup * self.steps
        rising = _half_cosine(step / top, self.peak / self.start_factor, self.peak)
        falling = _half_cosine(
            (step - top) / (self.steps - top), self.peak, self.peak / self.end_factor
        )
        return ops.where(step < top, rising, falling)

    def get_config(self) -> dict[str, Any]:
        names = ("peak", "steps", "warmup", "start_factor", "end_factor")
        return {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="kerascnn")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise to the peak, then a half cosine down to 0 (Goyal 2017, Loshchilov 2017).

    The rise goes over the first round(warmup * steps) steps, the last of which has the peak; the
    first has a share of it, not 0.

    Args:
        peak: Highest learning rate.
        steps: Optimiser steps until the rate is 0.
        warmup: Share of the steps in which the rate rises, in [0, 1).
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.05):
        super().__init__()
        _check(peak, steps)
        if not 0 <= warmup < 1:
            raise InputError(f"`warmup` must be in [0, 1). Received: {warmup!r}.")
        self.peak, self.steps, self.warmup = peak, steps, warmup

    def __call__(self, step: Tensor) -> Tensor:
        """The learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        rise = round(self.warmup * self.steps)
        falling = _half_cosine((step - rise) / max(1, self.steps - rise), self.peak, 0.0)
        return ops.where(step < rise, self.peak * (step + 1) / max(1, rise), falling)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup}


def _half_cosine(progress: Tensor, first: float, last: float) -> Tensor:
    """From `first` at 0 to `last` at 1, level at both ends and beyond them."""
    progress = ops.clip(progress, 0.0, 1.0)
    return last + (first - last) * 0.5 * (1 + ops.cos(math.pi * progress))


def _check(peak: float, steps: int) -> None:
    if not 0 < peak < math.inf:
        raise InputError(f"`peak` must be above 0. Received: {peak!r}.")
    if not isinstance(steps, int) or steps < 1:
        raise InputError(f"`steps` must be a whole number of at least 1. Received: {steps!r}.")
