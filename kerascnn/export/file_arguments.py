"""What `export_tflite` is given, checked before the slow part begins."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.recipes import Recipe
from kerascnn.export.samples import check_samples
from kerascnn.export.task_comparison import Task, check_task
from kerascnn.export.verify import check_truth

if TYPE_CHECKING:
    import keras


def check_data(
    model: "keras.Model",
    recipe: Recipe,
    shape: tuple[int | None, ...],
    samples: np.ndarray | None,
    labels: np.ndarray | None,
    class_names: Sequence[str] | None,
    task: Task,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The samples and labels in the form that is verified; InputError for unfit ones."""
    check_task(task)
    if task == "regression" and class_names is not None:
        raise InputError("class_names are for classifiers; a file of quantities has none")
    outputs = getattr(model, "outputs", None)
    classes = outputs[0].shape[-1] if outputs else None
    if class_names is not None and outputs:
        check_classifier((1, *known_sizes(shape)), tuple(outputs[0].shape))
        if len(class_names) != classes:
            raise InputError(f"{len(class_names)} class names were given for {classes} outputs")
    if samples is None:
        if recipe.needs_samples:
            raise InputError(
                f"recipe {recipe.name} measures value ranges on real images: pass samples=, a "
                "uint8 array [n, height, width, channels] of 100 to 500 typical images"
            )
        if labels is not None:
            raise InputError("labels were given without the samples they belong to")
        return None, None
    samples = check_samples(samples, known_sizes(shape))
    if task == "multi_label" and labels is not None and classes is None:
        classes = np.shape(labels)[-1]
    return samples, check_truth(task, labels, len(samples), classes or 1 << 31)


def check_classifier(takes: Sequence[int], gives: Sequence[int | None]) -> None:
    """Raises InputError unless these are the input and output of an image classifier."""
    if len(gives) != 2 or takes[-1] not in (1, 3):
        raise InputError(
            "class_names can be embedded in classifiers [1, classes] of grey or RGB images; this "
            f"model maps {list(takes)} to {list(gives)}"
        )


def known_sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The sizes of a shape without free ones, for the type checker."""
    return tuple(size for size in shape if size is not None)
