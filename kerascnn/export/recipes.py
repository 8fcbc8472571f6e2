"""What each TFLite recipe does to a model, and how much it may change the answers.

A recipe is a value: it says how weights and activations are stored, which input and output types
it offers, and the limits a file has to keep to count as verified. The numbers are starting points
measured on trained networks; `export_tflite(tolerance=...)` replaces them for one export.
"""

import dataclasses
import difflib
from types import MappingProxyType
from typing import Literal

from kerascnn.errors import InputError
from kerascnn.tasks import Tolerance as Tolerance

Io = Literal["uint8", "int8", "int16", "float32"]
AUTO = "auto"  # no recipe, but the choice of one by measuring: export_tflite(recipe="auto")
IO_TYPES: tuple[Io, ...] = ("uint8", "int8", "int16", "float32")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way of storing a model.

    Attributes:
        name: What users type.
        weights: How convolution and dense weights are stored.
        activations: How values between layers are computed.
        needs_samples: Whether it must see real images to learn the value ranges.
        io: Input and output types it can have; the first is its default.
        tolerance: Limits a verified file keeps.
        description: What it does, in one line.
        best_for: Where it is the right choice, in one line.
    """

    name: str
    weights: Literal["float32", "float16", "int8"]
    activations: Literal["float32", "int8", "int16"]
    needs_samples: bool
    io: tuple[Io, ...]
    tolerance: Tolerance
    description: str
    best_for: str

    def choose_io(self, wanted: str) -> Io:
        """Returns `wanted` where this recipe offers it, otherwise the recipe's own default.

        One `io` serves a whole bundle, so a type this recipe does not have is no error: float
        recipes stay float32. A word that is no type at all is an InputError.
        """
        if wanted not in IO_TYPES:
            raise InputError(f"io must be one of {', '.join(IO_TYPES)}. Received: {wanted!r}.")
        return next((io for io in self.io if io == wanted), self.io[0])


def _eight_bit(accuracy_drop: float) -> Tolerance:
    """Limits shared by the recipes with 8-bit weights, which cost more than 8-bit activations do.

    MobileNet v1 0.25 with its ImageNet weights, on 300 photos, sets them: the most sensitive real
    network at hand keeps 74 % of its best classes (90 % beyond near ties), moves single
    probabilities by up to 0.53, and is not broken: the old best class stays in the top five for
    96 %. A file calibrated badly there keeps 56 % (72 %), moves by 0.94, and fails. LeNet-5 on
    digits keeps 100 % and moves by 0.02. Where labels are given, accuracy is the sharper limit.
    """
    return Tolerance(
        max_abs=0.75,
        mean_abs=0.05,
        top1_agreement=0.85,
        accuracy_drop=accuracy_drop,
        near_tie=0.1,
    )


FLOAT32 = Recipe(
    name="float32",
    weights="float32",
    activations="float32",
    needs_samples=False,
    io=("float32",),
    # Same arithmetic in another order: differences are rounding only.
    tolerance=Tolerance(
        max_abs=1e-4, mean_abs=1e-5, top1_agreement=1.0, accuracy_drop=0.0, near_tie=2e-4
    ),
    description="everything in 32-bit floating point, as trained",
    best_for="reference, laptops, browsers, GPUs that take float32",
)
FLOAT16 = Recipe(
    name="float16",
    weights="float16",
    activations="float32",
    needs_samples=False,
    io=("float32",),
    tolerance=Tolerance(
        max_abs=0.06, mean_abs=5e-3, top1_agreement=0.99, accuracy_drop=0.005, near_tie=5e-3
    ),
    description="weights in 16-bit floating point: half the size, the same speed on a CPU",
    best_for="phone GPUs; halving a file without touching its accuracy",
)
DYNAMIC_INT8 = Recipe(
    name="dynamic_int8",
    weights="int8",
    activations="float32",
    needs_samples=False,
    io=("float32",),
    tolerance=_eight_bit(accuracy_drop=0.02),
    description="8-bit weights; activations rounded to 8 bits on the fly, for each image anew",
    best_for="CPUs when no images are at hand; can ruin depthwise networks, check the accuracy",
)
WEIGHT_ONLY_INT8 = Recipe(
    name="weight_only_int8",
    weights="int8",
    activations="float32",
    needs_samples=False,
    io=("float32",),
    tolerance=_eight_bit(accuracy_drop=0.01),
    description="8-bit weights, unpacked to float32 before use: a quarter of the size",
    best_for="small downloads at full precision, where int8 loses accuracy",
)
INT8 = Recipe(
    name="int8",
    weights="int8",
    activations="int8",
    needs_samples=True,
    io=("uint8", "int8", "float32"),
    tolerance=_eight_bit(accuracy_drop=0.02),
    description="8-bit integers throughout, with ranges measured on sample images",
    best_for="CPUs, NPUs, microcontrollers (io='int8'), Coral and MediaPipe (io='uint8')",
)
INT16X8 = Recipe(
    name="int16x8",
    weights="int8",
    activations="int16",
    needs_samples=True,
    # Raw pixels fit neither int16's symmetric range nor any camera, so float32 is its default.
    io=("float32", "int16"),
    tolerance=_eight_bit(accuracy_drop=0.01),
    description="8-bit weights and 16-bit activations, with ranges measured on sample images",
    best_for="integer-only hardware that needs more precision than int8; slow on CPUs",
)

RECIPES = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (FLOAT32, FLOAT16, DYNAMIC_INT8, WEIGHT_ONLY_INT8, INT8, INT16X8)
    }
)
"""The recipes by name."""


def get(name: str | Recipe) -> Recipe:
    """Returns the recipe called `name` (any case, '-' as '_'); a Recipe is returned as it is.

    Raises:
        InputError: No recipe has this name; the message lists the nearest ones.
    """
    if isinstance(name, Recipe):
        return name
    key = str(name).strip().lower().replace("-", "_")
    if key in RECIPES:
        return RECIPES[key]
    close = difflib.get_close_matches(key, RECIPES, n=2, cutoff=0.4)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise InputError(f"unknown recipe {str(name)!r}.{hint} Recipes: {', '.join(RECIPES)}.")
