"""What a network's, or a file's, outputs for a split are worth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import tasks
from kerascnn.last_layers import kinds_by_role
from kerascnn.tasks import Kind, Metrics

if TYPE_CHECKING:
    import keras

    from kerascnn.data import Splits


def metrics_of(
    values: Any,
    labels: np.ndarray,
    splits: "Splits",
    kinds: Sequence[Kind | None],
    source: str,
    step: float = 0.0,
) -> Metrics:
    """The figures of the task of `splits`.

    Args:
        values: Outputs for all images of a split, as a model gives them.
        labels: Of these images.
        splits: Of which task, with which names.
        kinds: What the outputs are by the last layers or operators, by role.
        source: What to call the model in messages.
        step: The smallest a probability can be beside 0; 0 for floats.
    """
    task = tasks.get(splits.task)
    arrays = task.arrays(values, source)
    outputs = task.describe(arrays, kinds, source)
    predictions = task.predictions(arrays, outputs)
    return task.score(predictions, labels, outputs, splits.class_names, step)


def kinds_of(model: "keras.Model", splits: "Splits") -> tuple[Kind | None, ...]:
    """What the outputs of a model are, by the roles of the task of `splits`."""
    return kinds_by_role(model, tasks.get(splits.task).roles)
