"""Steps made of steps."""

from collections import abc
from dataclasses import dataclass

from kerascnn.augment.step import Guard, Part, Step, check_number
from kerascnn.errors import InputError


@dataclass(frozen=True)
class Identity(Step):
    """Does nothing: one of the choices of many policies."""

    def parts(self) -> tuple[Part, ...]:
        return ()


def check_steps(name: str, given: object) -> tuple[Step, ...]:
    """A list of steps as a tuple, or InputError."""
    steps = tuple(given) if isinstance(given, list | tuple) else (given,)
    for step in steps:
        if not isinstance(step, Step):
            raise InputError(
                f"`{name}` takes steps of kerascnn.augment, such as Flip(). Received: {step!r}"
            )
    return steps


@dataclass(frozen=True)
class Sequence(Step):
    """Steps one after another.

    Args:
        steps: List of steps.
    """

    steps: abc.Sequence[Step]

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", check_steps("steps", self.steps))

    def parts(self) -> tuple[Part, ...]:
        return tuple(p.below(i) for i, step in enumerate(self.steps) for p in step.parts())


@dataclass(frozen=True)
class RandomApply(Step):
    """Applies a step to some of the images.

    Args:
        step: Any step that keeps the size, or a `Sequence`.
        probability: Of each image.
    """

    step: Step
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_steps("step", self.step)
        check_number("probability", self.probability, 0, 1)

    def parts(self) -> tuple[Part, ...]:
        guard = Guard((0,), 0.0, self.probability)
        return tuple(part.below(1, guard) for part in self.step.parts())


@dataclass(frozen=True)
class RandomChoice(Step):
    """Applies one of several steps to each image.

    Args:
        steps: List of steps, `Sequence`s or batch mixers.
        weights: How likely each is; they need not sum to 1. None: all the same.
    """

    steps: abc.Sequence[Step]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        steps = check_steps("steps", self.steps)
        weights = (1.0,) * len(steps) if self.weights is None else tuple(self.weights)
        if not steps or len(weights) != len(steps) or min(weights) < 0 or sum(weights) <= 0:
            raise InputError(
                "RandomChoice needs one step or more, and as many weights (not negative, not all "
                f"0). Received: {len(steps)} steps, weights={self.weights}"
            )
        object.__setattr__(self, "steps", steps)
        if self.weights is not None:
            object.__setattr__(self, "weights", weights)

    def parts(self) -> tuple[Part, ...]:
        weights = self.weights or (1.0,) * len(self.steps)
        total, low, found = sum(weights), 0.0, []
        for i, (step, weight) in enumerate(zip(self.steps, weights, strict=True)):
            # Sums of weights are rounded; the last choice takes what is left.
            high = 1.0 if i == len(self.steps) - 1 else low + weight / total
            guard = Guard((0,), low, high)
            found += [part.below(i + 1, guard) for part in step.parts()]
            low = high
        return tuple(found)
