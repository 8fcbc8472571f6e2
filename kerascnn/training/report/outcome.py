"""What a model answers to the images of a split, with what is needed to judge it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.training.metrics import Metrics, classification_metrics

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
        labels: (images,) true classes.
        probabilities: (images, classes).
        metrics: What follows from both.
        whole: Whether these are all images of the split.
    """

    split: str
    positions: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    metrics: Metrics
    whole: bool

    @property
    def guesses(self) -> np.ndarray:
        """(images,) the class chosen for each."""
        return self.probabilities.argmax(axis=1)

    @property
    def losses(self) -> np.ndarray:
        """(images,) cross-entropy of each, in nats."""
        of_truth = self.probabilities[np.arange(len(self.labels)), self.labels]
        return -np.log(np.clip(of_truth, 1e-12, 1))


def judge(model: keras.Model, splits: "Splits", split: str, most: int = MOST) -> Outcome:
    """Computes the outcome of one split.

    Raises:
        InputError: A model that does not take these images or does not give one score per class.
    """
    _check_model(model, splits)
    count = splits.counts[split]
    positions = np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
    outputs = []
    for start in range(0, len(positions), BATCH):
        images, _ = splits.take(split, positions[start : start + BATCH])
        scores = keras.ops.cast(model(images, training=False), "float32")
        outputs.append(keras.ops.convert_to_numpy(scores))
    probabilities = as_probabilities(np.concatenate(outputs))
    labels = splits.labels(split)[positions]
    metrics = classification_metrics(probabilities, labels, splits.class_names)
    return Outcome(split, positions, labels, probabilities, metrics, len(positions) == count)


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Softmax of outputs (images, classes), unless they are probabilities already."""
    if outputs.min() >= 0 and np.all(np.abs(outputs.sum(axis=1) - 1) < 1e-2):
        return outputs
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _check_model(model: keras.Model, splits: "Splits") -> None:
    if splits.task != "classification":
        raise InputError(f"the report is for classification; the task of this data: {splits.task}.")
    classes = len(splits.class_names)
    output, taken = getattr(model, "output_shape", None), getattr(model, "input_shape", None)
    if output is not None and (not isinstance(output, tuple) or output[1:] != (classes,)):
        raise InputError(
            f"the report is for models with one output (images, {classes}), one score for each of "
            f"{classes} classes. The output of {model.name!r} has the shape {output}."
        )
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
