"""What a model answers to the images of a split, with what is needed to judge it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from kerascnn import tasks
from kerascnn.errors import InputError
from kerascnn.last_layers import kinds_by_role
from kerascnn.tasks import Arrays, Metrics, Output

if TYPE_CHECKING:
    from kerascnn.data import Splits

MOST = 20_000  # images of a split that are judged; of larger ones, an even sample
BATCH = 128


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answers to a split.

    Attributes:
        split: "validation" or "test".
        positions: (images,) places in the order of `Splits.arrays`.
        labels: (images, ...) what is true, as `Splits` holds it.
        predictions: Probabilities or quantities (images, ...) by role.
        outputs: What they are.
        metrics: What follows from all of them.
        whole: Whether these are all images of the split.
    """

    split: str
    positions: np.ndarray
    labels: np.ndarray
    predictions: dict[str, np.ndarray]
    outputs: tuple[Output, ...]
    metrics: Metrics
    whole: bool

    @property
    def first(self) -> np.ndarray:
        """(images, names) predictions of the first output."""
        return self.predictions[self.outputs[0].role]


def judge(
    model: keras.Model, splits: "Splits", split: str, most: int = MOST, known: Arrays | None = None
) -> Outcome:
    """Computes the outcome of one split, or takes it from `known` outputs for all of its images.

    Raises:
        InputError: A model that does not take these images, or whose outputs are not those of the
            task of the data.
    """
    _check_input(model, splits)
    task, count = tasks.get(splits.task), splits.counts[split]
    positions = np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
    if known is None:
        arrays = _outputs(model, splits, split, positions)
    else:
        arrays = {role: known[role][positions].astype("float32") for role in task.roles}
    outputs = task.describe(arrays, kinds_by_role(model, task.roles), f"model {model.name!r}")
    task.check_rows(outputs, f"model {model.name!r}")
    names = len(splits.class_names)
    if task.names(outputs) != names:
        raise InputError(
            f"the report is for models with one output (images, {names}), one score for each of "
            f"{names} {task.nouns[1]}. The output of {model.name!r} has the shape "
            f"{outputs[0].shape[1:]}."
        )
    labels = splits.labels(split)[positions]
    predictions = task.predictions(arrays, outputs)
    metrics = task.score(predictions, labels, outputs, splits.class_names)
    whole = len(positions) == count
    return Outcome(split, positions, labels, predictions, outputs, metrics, whole)


def _outputs(model: keras.Model, splits: "Splits", split: str, positions: np.ndarray) -> Arrays:
    """The model's outputs for some images of a split, by role."""
    task, parts = tasks.get(splits.task), []
    for start in range(0, len(positions), BATCH):
        images, _ = splits.take(split, positions[start : start + BATCH])
        values = keras.tree.map_structure(
            lambda value: keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")),
            model(images, training=False),
        )
        parts.append(task.arrays(values, f"model {model.name!r}"))
    return {role: np.concatenate([part[role] for part in parts]) for role in task.roles}


def _check_input(model: keras.Model, splits: "Splits") -> None:
    taken = getattr(model, "input_shape", None)
    fits = taken is None or (
        isinstance(taken, tuple)
        and len(taken) == 4
        and all(
            own in (None, size) for own, size in zip(taken[1:], splits.image_shape, strict=True)
        )
    )
    if not fits:
        raise InputError(
            f"{model.name!r} takes images of the shape {taken}, the data has "
            f"{splits.image_shape}. Load it with the model's image_size and channels."
        )
