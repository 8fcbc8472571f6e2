"""What `export_tflite` is given, checked before the slow part begins."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.describe import check_labelled
from kerascnn.export.recipes import Recipe
from kerascnn.export.samples import check_samples
from kerascnn.tasks import Output, Task


def check_images(
    recipe: Recipe, shape: tuple[int | None, ...], samples: Any, labels: Any, task: Task
) -> np.ndarray | None:
    """The samples as raw images; InputError for unfit ones, or where some are missing."""
    if labels is not None and not task.accuracy:
        raise InputError(
            "labels are for classifiers; a regressor is verified by its outputs alone. Leave "
            "them out."
        )
    if samples is not None:
        return check_samples(samples, known_sizes(shape))
    if recipe.needs_samples:
        raise InputError(
            f"recipe {recipe.name} measures value ranges on real images: pass samples=, a "
            "uint8 array [n, height, width, channels] of 100 to 500 typical images"
        )
    if labels is not None:
        raise InputError("labels were given without the samples they belong to")
    return None


def check_class_names(
    class_names: Sequence[str] | None,
    shape: tuple[int | None, ...],
    task: Task,
    outputs: Sequence[Output],
) -> None:
    """Raises InputError unless a file with these outputs can hold these names."""
    if class_names is None:
        return
    check_labelled((1, *known_sizes(shape)), outputs)
    if len(class_names) != task.names(outputs):
        raise InputError(
            f"{len(class_names)} class names were given for {task.names(outputs)} outputs"
        )


def known_sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The sizes of a shape without free ones, for the type checker."""
    return tuple(size for size in shape if size is not None)
