"""Inception modules as data: a network is stages of modules, modules of chains, chains of steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from keras import layers

from kerascnn.models._blocks import Norm, activate, conv, pad
from kerascnn.models._classic import max_pool_up
from kerascnn.models._common import Tensor

Name = str | None
Window = int | tuple[int, int]


@dataclass(frozen=True)
class Details:
    """In what published forms of one network differ besides their tables.

    Attributes:
        norm: What follows each convolution.
        scale: Batch normalisation has a gamma.
        zeros_count: The zeros around an average pool count as values, as in torchvision.
    """

    norm: Norm
    scale: bool = True
    zeros_count: bool = False


class Step(Protocol):
    """A part of a network; its last layer is called `last` where that is given."""

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor: ...


@dataclass(frozen=True)
class Conv:
    """Convolution, normalisation, ReLU."""

    filters: int
    window: Window = 1
    stride: int = 1
    padding: Literal["same", "symmetric", "valid"] = "same"

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        x = conv(
            x,
            self.filters,
            self.window,
            self.stride,
            name=f"{name}_conv",
            padding=self.padding,
            use_bias=details.norm.kind is None,
        )
        x = details.norm(x, f"{name}_norm", scale=details.scale)
        return activate(x, "relu", last or f"{name}_act")


@dataclass(frozen=True)
class Pool:
    """Pooling; with "up" it is `max_pool_up`, of 3x3 windows with step 2."""

    kind: Literal["average", "max"]
    window: int = 3
    stride: int = 1
    padding: Literal["same", "valid", "up"] = "same"

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        name = last or f"{name}_pool"
        padding = self.padding
        if padding == "up":
            return max_pool_up(x, name)
        if self.kind == "max":
            return layers.MaxPooling2D(self.window, self.stride, padding, name=name)(x)
        if details.zeros_count and padding == "same":
            x, padding = pad(x, self.window, name), "valid"
        return layers.AveragePooling2D(self.window, self.stride, padding, name=name)(x)


class Fork:
    """Convolutions of the same maps, `NAMEa` and `NAMEb`, concatenated."""

    def __init__(self, *convs: Conv) -> None:
        self.convs = convs

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        parts = [one(x, name + key, details) for one, key in zip(self.convs, "ab", strict=True)]
        return layers.Concatenate(name=last or f"{name}_concat")(parts)


class Chain:
    """Steps one after the other; convolutions are counted: `NAME_1`, `NAME_2` ..."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        count = 0
        for place, step in enumerate(self.steps, start=1):
            counted = isinstance(step, (Conv, Fork))
            count += counted
            own = f"{name}_{count}" if counted else name
            x = step(x, own, details, last if place == len(self.steps) else None)
        return x


class Mixed:
    """An inception module: chains side by side, `NAME_b0`, `NAME_b1` ..., then concatenated."""

    def __init__(self, *branches: Chain) -> None:
        self.branches = branches

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        parts = [branch(x, f"{name}_b{i}", details) for i, branch in enumerate(self.branches)]
        return layers.Concatenate(name=last or f"{name}_concat")(parts)


class Residual:
    """x + scale * module(x), the module brought to the depth of x by a linear 1x1 convolution.

    Scales of 0.1 to 0.2 keep wide networks from dying early in training (arXiv:1602.07261,
    section 3.3).
    """

    def __init__(self, mixed: Mixed, scale: float, activation: str | None = "relu") -> None:
        self.mixed, self.scale, self.activation = mixed, scale, activation

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        y = conv(self.mixed(x, name, details), x.shape[-1], 1, name=f"{name}_up_conv")
        y = layers.Rescaling(self.scale, name=f"{name}_scale")(y)
        x = layers.Add(name=f"{name}_add")([x, y])
        return activate(x, self.activation, last or f"{name}_act")


Stages = Sequence[Sequence[Step]]


def backbone(
    stages: Stages, details: Details, taps: dict[str, Tensor] | None = None
) -> Callable[[Tensor], Tensor]:
    """From images to the maps of the last module; stage s ends in a layer `stage{s}`.

    Where `taps` is given, the maps of every module are put there, under `stage{s}_{i}`.
    """

    def apply(x: Tensor) -> Tensor:
        for stage, steps in enumerate(stages, start=1):
            for i, step in enumerate(steps):
                name = "stem" if stage == 1 else f"stage{stage}_{i}"
                x = step(x, name, details, f"stage{stage}" if i == len(steps) - 1 else None)
                if taps is not None:
                    taps[name] = x
        return x

    return apply
