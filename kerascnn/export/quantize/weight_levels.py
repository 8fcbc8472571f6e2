"""The steps of int8 that a layer's weights may take: all of them, or a few that they share.

A file whose layers hold 16 or 32 different values each compresses well (weight clustering: Han et
al. 2016, "Deep Compression", arXiv:1510.00149, section 3). The values are shared after the division
by each output channel's scale, so that they are the same integers in all channels.
"""

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.recipes import Recipe

LARGEST = 127  # symmetric int8
FEWEST = 4
_FIXED = (-LARGEST, 0, LARGEST)
_ROUNDS = 40  # of k-means in one dimension; it settles in half as many


def check_clusters(clusters: int | None, recipe: Recipe, *, learned: bool) -> None:
    """Refuses a number of shared values that the weights of a file cannot have.

    Args:
        clusters: The number; None shares nothing.
        recipe: Of the file.
        learned: Whether the model learned its rounding in training.

    Raises:
        InputError: Not 4 to 255, a recipe without 8-bit weights, or learned rounding.
    """
    if clusters is None:
        return
    if not FEWEST <= clusters <= 2 * LARGEST + 1:
        raise InputError(
            f"`clusters` must be {FEWEST} to {2 * LARGEST + 1} values per layer. Received: "
            f"{clusters}."
        )
    if recipe.weights != "int8":
        raise InputError(
            f"`clusters` is for 8-bit weights, and those of the recipe {recipe.name} are "
            f"{recipe.weights}: choose int8, int16x8, dynamic_int8 or weight_only_int8."
        )
    if learned:
        raise InputError(
            "`clusters` rounds weights anew, but this model has learned its rounding. Export the "
            "plain model: kerascnn.quantization.strip(model, rounded=False)."
        )


def shared_levels(rows: np.ndarray, scales: np.ndarray, clusters: int) -> np.ndarray:
    """The steps that represent a layer's weights best, by k-means; -127, 0 and 127 among them.

    The largest weight of an output sets its scale and stays what it is, and zeros stay zeros.

    Args:
        rows: Weights, [outputs, d].
        scales: One step of each output, [outputs].
        clusters: How many steps at most, 4 to 255.

    Returns:
        Whole numbers in ascending order, [clusters] or fewer.
    """
    steps = np.rint(rows / scales[:, np.newaxis]).clip(-LARGEST, LARGEST).astype(np.int64)
    counts = np.bincount(steps.ravel() + LARGEST, minlength=2 * LARGEST + 1)
    values = np.arange(-LARGEST, LARGEST + 1.0)
    centres = np.linspace(-LARGEST, LARGEST, clusters)  # the best start (ibid., section 3.2)
    centres[np.abs(centres).argmin()] = 0.0
    for _ in range(_ROUNDS):
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
        members = np.bincount(nearest, counts, minlength=clusters)
        sums = np.bincount(nearest, counts * values, minlength=clusters)
        moved = np.where(members > 0, sums / np.maximum(members, 1), centres)
        free = ~np.isin(centres, _FIXED)
        unused = np.flatnonzero(free & (members == 0))
        if len(unused):  # goes where the error is largest
            errors = counts * (values - centres[nearest]) ** 2
            moved[unused[0]] = values[errors.argmax()]
        centres = np.sort(np.where(free, moved, centres))
    return np.unique(np.rint(centres))


def nearest(values: np.ndarray, scales: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Each value on the nearest of its levels, which are multiples of its scale."""
    places = np.searchsorted((levels[1:] + levels[:-1]) / 2, values / scales)
    return levels[places] * scales
