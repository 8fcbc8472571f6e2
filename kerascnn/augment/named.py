"""Pipelines by name, as data: what published recipes and sensible defaults do to training images.

Sizes are not fixed here: crops fill the size of the images they get, unless `size` says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kerascnn.augment.branches import AugMix
from kerascnn.augment.choice import RandomApply
from kerascnn.augment.compose import Compose
from kerascnn.augment.policies import RandAugment, TrivialAugmentWide
from kerascnn.augment.step import Size, Step, check_size
from kerascnn.augment.steps.color import ColorJitter, PCALighting
from kerascnn.augment.steps.crop import RandomCrop, RandomResizedCrop
from kerascnn.augment.steps.filters import GaussianBlur
from kerascnn.augment.steps.geometric import Flip, Rotate, Shear, Translate, Zoom
from kerascnn.augment.steps.occlusion import RandomErasing
from kerascnn.errors import InputError


@dataclass(frozen=True)
class Named:
    """A named pipeline.

    Attributes:
        about: What it is for, or the paper.
        steps: From the (height, width) of the result to the steps.
    """

    about: str
    steps: Callable[[Size], tuple[Step, ...]]


def _cifar(size: Size) -> tuple[Step, ...]:
    return (RandomCrop(size, padding=max(1, min(size) // 8)), Flip())


NAMES: dict[str, Named] = {
    "none": Named("nothing", lambda size: ()),
    "light": Named(
        "small shifts, zooms and changes of light: for tests of whether augmentation helps",
        lambda size: (Translate(0.05, 0.05), Zoom(0.1), Flip(), ColorJitter(0.1, 0.1, 0.1)),
    ),
    "standard": Named(
        "random resized crop, flip and colour jitter: the usual start for photos",
        lambda size: (
            RandomResizedCrop(size, scale=(0.35, 1.0)),
            Flip(),
            ColorJitter(0.4, 0.4, 0.4),
        ),
    ),
    "strong": Named(
        "standard with turns, shears, blur and erasing: for long trainings on few photos",
        lambda size: (
            RandomResizedCrop(size, scale=(0.2, 1.0)),
            Flip(),
            Rotate(20),
            Shear(0.15, 0.15),
            ColorJitter(0.4, 0.4, 0.4, 0.05),
            RandomApply(GaussianBlur((0.1, 1.5)), 0.2),
            RandomErasing(0.25),
        ),
    ),
    "detection": Named(
        "crops that keep a third of the image or more, flip, colour jitter: objects with boxes",
        lambda size: (
            RandomResizedCrop(size, scale=(0.35, 1.0)),
            Flip(),
            ColorJitter(0.3, 0.3, 0.3),
        ),
    ),
    "lenet": Named(
        "shifts, scales, squeezes and shears of digits (LeCun et al. 1998, section III.C)",
        lambda size: (Translate(0.08, 0.08), Zoom(0.15), Shear(0.2, 0.0), Rotate(7.5)),
    ),
    "alexnet": Named(
        "crops of 7/8 of the side, flips, PCA lighting (Krizhevsky et al. 2012, section 4.1)",
        lambda size: (RandomResizedCrop(size, (49 / 64, 49 / 64), (1, 1)), Flip(), PCALighting()),
    ),
    "inception": Named(
        "random resized crop of 8 to 100 % of the area, flip, colour (arXiv:1409.4842, section 6)",
        lambda size: (RandomResizedCrop(size), Flip(), ColorJitter(32 / 255, 0.5, 0.5, 0.1)),
    ),
    "resnet": Named(
        "random resized crop, flip, colour jitter, PCA lighting (the Torch recipe of ResNet)",
        lambda size: (RandomResizedCrop(size), Flip(), ColorJitter(0.4, 0.4, 0.4), PCALighting()),
    ),
    "cifar": Named("crops after padding by 1/8, flips (arXiv:1512.03385, section 4.2)", _cifar),
    "randaugment": Named(
        "random resized crop, flip, RandAugment (arXiv:1909.13719)",
        lambda size: (RandomResizedCrop(size, scale=(0.35, 1.0)), Flip(), RandAugment()),
    ),
    "trivial": Named(
        "random resized crop, flip, TrivialAugmentWide (arXiv:2103.10158)",
        lambda size: (RandomResizedCrop(size, scale=(0.35, 1.0)), Flip(), TrivialAugmentWide()),
    ),
    "augmix": Named(
        "random resized crop, flip, AugMix (arXiv:1912.02781)",
        lambda size: (RandomResizedCrop(size, scale=(0.35, 1.0)), Flip(), AugMix()),
    ),
}
"""The pipelines by name."""


def get(name: str, size: int | Size) -> Compose:
    """A named pipeline.

    Args:
        name: One of `NAMES`; upper or lower case.
        size: (height, width) of the augmented images, or one number.

    Raises:
        InputError: An unknown name or a bad size.
    """
    found = NAMES.get(str(name).lower())
    if found is None:
        raise InputError(f"unknown augmentation {name!r}. Known: {', '.join(NAMES)}.")
    return Compose(found.steps(check_size("size", size)))
