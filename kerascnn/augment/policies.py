"""Published policies: which operation, how strong, how likely. All are choices among plain steps.

The papers give one scale of magnitudes for all operations. Here they are as torchvision reads them:
magnitude 0 changes nothing (in the first code of AutoAugment, 0 of "Color" was nearly grey), and
operations with a direction take either, as likely. As everywhere in this package, the geometric
operations of an image are one warp before the others, and shear keeps the centre where it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kerascnn.augment.choice import Identity, RandomApply, RandomChoice, Sequence
from kerascnn.augment.policy_tables import SUB_POLICIES
from kerascnn.augment.step import Part, Step, Values, check_number
from kerascnn.augment.steps.color import Saturation
from kerascnn.augment.steps.filters import Sharpness
from kerascnn.augment.steps.geometric import Rotate, Shear, Translate
from kerascnn.augment.steps.tone import (
    AutoContrast,
    Brightness,
    Contrast,
    Equalize,
    Invert,
    Posterize,
    Solarize,
)
from kerascnn.errors import InputError


def _both(*amounts: float) -> Values:
    """Each amount in either direction."""
    return Values(tuple(sign * amount for amount in amounts for sign in (1, -1)))


def _factors(*amounts: float) -> Values:
    """Enhancement factors 1 + amount and 1 - amount."""
    return Values(tuple(1 + sign * amount for amount in amounts for sign in (1, -1)))


# Operation -> a step of these amounts, each as likely.
_SIGNED: dict[str, Callable[..., Step]] = {
    "ShearX": lambda *a: Shear(x=_both(*a)),
    "ShearY": lambda *a: Shear(x=0, y=_both(*a)),
    "TranslateX": lambda *a: Translate(x=_both(*a), y=0),
    "TranslateY": lambda *a: Translate(x=0, y=_both(*a)),
    "Rotate": lambda *a: Rotate(_both(*a)),
    "Brightness": lambda *a: Brightness(_factors(*a)),
    "Color": lambda *a: Saturation(_factors(*a)),
    "Contrast": lambda *a: Contrast(_factors(*a)),
    "Sharpness": lambda *a: Sharpness(_factors(*a)),
}
_UNSIGNED: dict[str, Callable[..., Step]] = {
    "Posterize": lambda *a: Posterize(Values(a)),
    "Solarize": lambda *a: Solarize(Values(a)),
}
_PLAIN: dict[str, Callable[[], Step]] = {
    "Identity": Identity,
    "AutoContrast": AutoContrast,
    "Equalize": Equalize,
    "Invert": Invert,
}
OPERATIONS = (
    *("Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness"),
    *("Color", "Contrast", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"),
)
# The largest amounts, of AutoAugment and RandAugment, and of the wide space of TrivialAugment.
LARGEST = {"Shear": 0.3, "Translate": 150 / 331, "Rotate": 30.0, "Enhance": 0.9, "Bits": 4}
WIDE = {"Shear": 0.99, "Translate": 32.0, "Rotate": 135.0, "Enhance": 0.99, "Bits": 6}


def amount(operation: str, level: float, largest: dict[str, float]) -> float:
    """The amount of an operation at a level in 0..1.

    A shift per pixel (Shear), a fraction of the side or pixels (Translate), degrees (Rotate), the
    distance of the factor from 1 (enhancements), bits kept (Posterize), threshold (Solarize).
    """
    if operation == "Posterize":
        return float(8 - round(level * largest["Bits"]))
    if operation == "Solarize":
        return 255.0 * (1.0 - level)
    kind = operation.rstrip("XY")
    return level * largest.get(kind, largest["Enhance"])


def operation_step(operation: str, levels: list[float], largest: dict[str, float]) -> Step:
    """An operation as a step that draws one of the levels (each 0..1)."""
    if operation in _PLAIN:
        return _PLAIN[operation]()
    amounts = [amount(operation, level, largest) for level in levels]
    if operation.startswith("Translate") and largest is WIDE:
        x, y = (_both(*amounts), 0) if operation.endswith("X") else (0, _both(*amounts))
        return Translate(x, y, unit="pixel")
    return ({**_SIGNED, **_UNSIGNED}[operation])(*amounts)


@dataclass(frozen=True)
class RandAugment(Step):
    """Several random operations of one strength (arXiv:1909.13719).

    Args:
        num_ops: How many, one after another.
        magnitude: 0..30, the same for all.
    """

    num_ops: int = 2
    magnitude: float = 9

    def __post_init__(self) -> None:
        check_number("num_ops", self.num_ops, 1, 10)
        if not isinstance(self.num_ops, int):
            raise InputError(f"`num_ops` must be an integer. Received: {self.num_ops!r}")
        check_number("magnitude", self.magnitude, 0, 30)

    def parts(self) -> tuple[Part, ...]:
        steps = [operation_step(name, [self.magnitude / 30], LARGEST) for name in OPERATIONS]
        return Sequence((RandomChoice(tuple(steps)),) * self.num_ops).parts()


@dataclass(frozen=True)
class TrivialAugmentWide(Step):
    """One random operation of random strength (arXiv:2103.10158, the "wide" space)."""

    def parts(self) -> tuple[Part, ...]:
        levels = [i / 30 for i in range(31)]
        return RandomChoice(
            tuple(operation_step(name, levels, WIDE) for name in OPERATIONS)
        ).parts()


@dataclass(frozen=True)
class AutoAugment(Step):
    """One of 25 pairs of operations that were found by search (arXiv:1805.09501, appendix).

    Args:
        policy: "imagenet", "cifar10" or "svhn".
    """

    policy: str = "imagenet"

    def __post_init__(self) -> None:
        if self.policy not in SUB_POLICIES:
            raise InputError(
                f"`policy` must be one of {', '.join(SUB_POLICIES)}. Received: {self.policy!r}"
            )

    def parts(self) -> tuple[Part, ...]:
        return RandomChoice(tuple(_sub_policy(line) for line in SUB_POLICIES[self.policy])).parts()


def _sub_policy(row: str) -> Sequence:
    steps = []
    for operation, probability, magnitude in read_row(row):
        levels = [] if magnitude is None else [magnitude / 9]
        steps.append(RandomApply(operation_step(operation, levels, LARGEST), probability))
    return Sequence(tuple(steps))


def read_row(row: str) -> list[tuple[str, float, int | None]]:
    """A row of a table as operation, probability and magnitude (None if it has none), twice."""
    found: list[tuple[str, float, int | None]] = []
    for item in row.split(" / "):
        operation, probability, *magnitude = item.split()
        found.append((operation, float(probability), int(magnitude[0]) if magnitude else None))
    return found
