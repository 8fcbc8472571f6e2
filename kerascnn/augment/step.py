"""What a step of a pipeline is: a frozen set of ranges, of one of four kinds.

Drawing is apart from applying. A step turns random numbers into small arrays of parameters, one
row per image; the plan (`plan.py`) concatenates those of many steps before pixels are touched.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.random import Random
from kerascnn.errors import InputError

if TYPE_CHECKING:
    from kerascnn.augment.compose import Compose
    from kerascnn.augment.layer import AugmentationLayer

Size = tuple[int, int]
Path = tuple[int, ...]


@dataclass(frozen=True)
class Values:
    """A range of single values, each as likely: `Rotate(Values((-30.0, 30.0)))`."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("`Values` needs one value or more. Received: none.")
        object.__setattr__(self, "values", tuple(float(value) for value in self.values))


Range = float | tuple[float, float] | Values


def draw(random: Random, within: Range) -> Array:
    """float32 `[n]` from a range: uniform between two bounds, or one of the values."""
    if isinstance(within, Values):
        xp = random.xp
        table = xp.convert_to_tensor(within.values, dtype="float32")
        return xp.take(table, random.integer(len(within.values)), axis=0)
    low, high = bounds(within)
    return random.uniform(low, high)


def bounds(within: Range) -> tuple[float, float]:
    """The smallest and the largest value of a range."""
    if isinstance(within, Values):
        return min(within.values), max(within.values)
    return within if isinstance(within, tuple) else (within, within)


def check_range(
    name: str, given: Any, low: float, high: float, *, around: float | None = None
) -> Range:
    """A valid range within low..high.

    Args:
        name: The argument, for the error.
        given: A pair, `Values`, or one number.
        around: What one number x stands for: (around - x, around + x), cut to low..high. None: x.

    Raises:
        InputError: Anything else.
    """
    found: Range
    if isinstance(given, Values):
        found = given
    elif isinstance(given, int | float) and not isinstance(given, bool):
        number = float(given)
        if around is not None and number < 0:
            raise InputError(f"`{name}` as one number must not be negative. Received: {given!r}")
        found = number if around is None else (max(low, around - number), around + number)
    elif isinstance(given, Sequence) and not isinstance(given, str) and len(given) == 2:
        found = (float(given[0]), float(given[1]))
    else:
        raise InputError(
            f"`{name}` must be a number, a pair (low, high) or Values. Received: {given!r}"
        )
    least, most = bounds(found)
    if not low <= least <= most <= high or (isinstance(found, tuple) and found[0] > found[1]):
        raise InputError(
            f"`{name}` must be a range within {low:g}..{high:g}, lower bound first. "
            f"Received: {given!r}"
        )
    return found


def check_number(name: str, given: Any, low: float, high: float) -> float:
    """`given` as a number within low..high, or InputError."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
        raise InputError(f"`{name}` must be a number within {low:g}..{high:g}. Received: {given!r}")
    return given


def check_size(name: str, given: Any) -> Size:
    """`given` as (height, width), or InputError. One number stands for both."""
    pair = tuple(given) if isinstance(given, tuple | list) else (given, given)
    if len(pair) != 2 or any(isinstance(s, bool) or not isinstance(s, int) for s in pair):
        raise InputError(f"`{name}` must be an integer or (height, width). Received: {given!r}")
    if min(pair) < 2:
        raise InputError(f"`{name}` must be 2 pixels or more on each side. Received: {given!r}")
    return pair


@dataclass(frozen=True)
class Guard:
    """Lets a step act on some images only: those whose draw at `path` is in low..high."""

    path: Path
    low: float
    high: float

    def excludes(self, other: "Guard") -> bool:
        """No image passes both."""
        disjoint = self.high <= other.low or other.high <= self.low
        return self.path == other.path and disjoint


@dataclass(frozen=True)
class Part:
    """A step at its place in a pipeline.

    Attributes:
        step: One of the four kinds.
        path: Numbers its stream of draws.
        guards: All of them must let an image pass.
    """

    step: "Step"
    path: Path = ()
    guards: tuple[Guard, ...] = ()

    def below(self, number: int, *guards: Guard) -> "Part":
        """The same part as number `number` of something larger."""
        path = (number, *self.path)
        own = tuple(Guard((number, *g.path), g.low, g.high) for g in self.guards)
        return Part(self.step, path, (*guards, *own))

    def excludes(self, other: "Part") -> bool:
        """No image gets both."""
        return any(a.excludes(b) for a in self.guards for b in other.guards)

    def stream(self, random: Random) -> Random:
        """The draws of this part."""
        return follow(random, self.path)

    def mask(self, random: Random) -> Array | None:
        """bool `[n]`: the images it acts on; None for all."""
        mask = None
        for guard in self.guards:
            number = follow(random, guard.path).uniform()
            passed = (number >= guard.low) & (number < guard.high)
            mask = passed if mask is None else mask & passed
        return mask


def follow(random: Random, path: Path) -> Random:
    """The stream of draws at a path."""
    for number in path:
        random = random.fold(number)
    return random


@dataclass(frozen=True)
class Step:
    """Base of all steps; hashable, comparable, and made of plain values (`config.py`).

    A step is used as a pipeline of itself alone, `Compose([step])`: it is called with images, maps
    a dataset, and makes a layer.
    """

    # What pipelines are: `Compose`, which is made of steps and so cannot be imported here.
    _pipelines: ClassVar[list[type["Compose"]]] = []

    def parts(self) -> tuple[Part, ...]:
        """The step as parts of the four kinds, in order."""
        return (Part(self),)

    def output_size(self, size: Size) -> Size:
        """(height, width) of the result for images of `size`."""
        return size

    @functools.cached_property
    def pipeline(self) -> "Compose":
        """The pipeline of this step."""
        (kind,) = self._pipelines
        return self if isinstance(self, kind) else kind((self,))

    def __call__(
        self, images: Array, labels: Array | None = None, *others: Any, **options: Any
    ) -> Any:
        """Augments images, as `Compose` does it, whose arguments these are."""
        return self.pipeline(images, labels, *others, **options)

    def map(self, dataset: Any, seed: int = 0, *, first_epoch: int = 0) -> Any:
        """Augments a `tf.data.Dataset`, as `Compose.map` does it."""
        return self.pipeline.map(dataset, seed, first_epoch=first_epoch)

    def layer(self, seed: int = 0, **kwargs: Any) -> "AugmentationLayer":
        """A Keras layer that augments in training, and is the identity otherwise."""
        return self.pipeline.layer(seed, **kwargs)


@dataclass(frozen=True)
class Geometric(Step):
    """Moves pixels: a 3x3 matrix per image, from output to input coordinates.

    Coordinates are (x, y, 1) in pixels from the upper left corner of the image; the first pixel
    covers 0..1, its centre is 0.5.
    """

    perspective: ClassVar[bool] = False
    axis_aligned: ClassVar[bool] = False

    def matrices(self, random: Random, size: Size) -> Array:
        """float32 `[n, 3, 3]` for images of `size`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Tone(Step):
    """Changes each channel by itself: a table of 256 entries per image and channel.

    Attributes:
        measures: What `tables` looks at: nothing, the mean grey `[n]`, the smallest and largest
            value of each channel (two `[n, C]`), or the histograms `[n, C, 256]`.
    """

    measures: ClassVar[Literal["nothing", "mean", "range", "histogram"]] = "nothing"

    def tables(self, random: Random, measured: Any) -> Array:
        """float32 or int32 `[n, C or 1, 256]`; rounded and clipped to 0..255 by the caller."""
        raise NotImplementedError


@dataclass(frozen=True)
class Color(Step):
    """Mixes the channels: a 3x4 matrix per image on (red, green, blue, 1), values 0..255.

    Grey images have no colour to change: these steps leave them as they are.
    """

    def matrices(self, random: Random) -> Array:
        """float32 `[n, 3, 4]`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Local(Step):
    """Anything else: a pass of its own over the pixels.

    Attributes:
        commutes: A warp may be moved from behind it to before it, at no difference that matters.
        moves: It moves pixels, so that masks must follow.
    """

    commutes: ClassVar[bool] = False
    moves: ClassVar[bool] = False

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        """Packed pixels (int32 `[n, H, W]`, see `kernels`) to packed pixels."""
        raise NotImplementedError

    def apply_with_masks(
        self, random: Random, packed: Array, channels: int, masks: Array
    ) -> tuple[Array, Array]:
        """`apply`, and the masks `[n, H, W]` moved likewise; for steps that move pixels."""
        raise NotImplementedError


def rows(random: Random, entries: Sequence[Sequence[Any]]) -> Array:
    """Numbers and arrays `[n]`, row by row, as float32 `[n, rows, columns]`."""
    xp: Namespace = random.xp
    zero = xp.cast(random.key, "float32") * 0.0
    return xp.stack([xp.stack([zero + entry for entry in row], axis=-1) for row in entries], axis=1)
