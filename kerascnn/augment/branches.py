"""AugMix: several chains of operations side by side, and their mean."""

from dataclasses import dataclass

from kerascnn.augment import kernels
from kerascnn.augment.apply import Batch, apply
from kerascnn.augment.arrays import Array, Namespace
from kerascnn.augment.choice import RandomApply, RandomChoice, Sequence
from kerascnn.augment.kernels import run
from kerascnn.augment.mixers import beta
from kerascnn.augment.plan import make_plan
from kerascnn.augment.policies import LARGEST, operation_step
from kerascnn.augment.random import Random
from kerascnn.augment.step import Local, Step, check_number
from kerascnn.errors import InputError

# Those of the paper: none that is in its robustness test (no contrast, colour, brightness ...).
_OPERATIONS = (
    *("AutoContrast", "Equalize", "Posterize", "Rotate", "Solarize"),
    *("ShearX", "ShearY", "TranslateX", "TranslateY"),
)


@dataclass(frozen=True)
class AugMix(Local):
    """The mean of an image and of differently augmented copies of it (arXiv:1912.02781).

    Each of `width` chains has one to `depth` random operations. The weights of the chains are of
    the Dirichlet distribution, the part of the image itself is of the beta distribution.

    Args:
        severity: Largest strength of the operations, 1..10.
        width: Number of chains.
        depth: Largest number of operations in a chain.
        alpha: Parameter of both distributions.
    """

    severity: int = 3
    width: int = 3
    depth: int = 3
    alpha: float = 1.0

    def __post_init__(self) -> None:
        for name, most in (("severity", 10), ("width", 10), ("depth", 10)):
            value = getattr(self, name)
            check_number(name, value, 1, most)
            if not isinstance(value, int):
                raise InputError(f"`{name}` must be an integer. Received: {value!r}")
        check_number("alpha", self.alpha, 1e-3, 1e3)

    def chain(self) -> Sequence:
        """One chain: as deep as `depth`, less often the deeper."""
        levels = [(i + 1) / 10 for i in range(self.severity)]
        operation = RandomChoice(
            tuple(operation_step(name, levels, LARGEST) for name in _OPERATIONS)
        )
        chain: Step = operation
        for more in range(1, self.depth):  # from the inside: 1, then perhaps another, ...
            chain = Sequence((operation, RandomApply(chain, more / (more + 1))))
        return Sequence((chain,))

    def apply(self, random: Random, packed: Array, channels: int) -> Array:
        xp = random.xp
        plan = make_plan(self.chain().parts())
        copies = [
            apply(xp, plan, random.fold(i).key, Batch(packed, channels), fill=0, mask_fill=0).packed
            for i in range(self.width)
        ]
        return run(xp, _mean, random.fold(self.width).key, packed, *copies, step=self, c=channels)


def _mean(xp: Namespace, key: Array, packed: Array, *copies: Array, step: AugMix, c: int) -> Array:
    random = Random(xp, key)
    own = beta(random, step.alpha, step.alpha)
    rest, shares = 1.0 - own, [own]
    for number in range(len(copies), 0, -1):  # a Dirichlet draw by breaking a stick
        part = beta(random, step.alpha, (number - 1) * step.alpha) if number > 1 else 1.0
        shares.append(rest * part)
        rest = rest - shares[-1]
    planes = [kernels.split(xp, image, c) for image in (packed, *copies)]
    mixed = [
        sum(
            xp.cast(plane[i], "float32") * share[:, None, None]
            for plane, share in zip(planes, shares, strict=True)
        )
        for i in range(c)
    ]
    return kernels.join(xp, [kernels.to_bytes(xp, x) for x in mixed])
