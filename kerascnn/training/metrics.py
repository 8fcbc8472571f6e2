"""What a classifier got right, computed from its probabilities and the true classes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kerascnn.errors import InputError


@dataclass(frozen=True)
class ClassMetrics:
    """Of one class: the share found (recall), the share of its predictions that are right."""

    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Metrics:
    """Of one split.

    Attributes:
        accuracy: Share of images whose first guess is right, in 0..1.
        top5_accuracy: Share with the right class among the first five; None below six classes.
        loss: Mean cross-entropy, in nats.
        images: How many images were judged.
        per_class: One row per class, in the order of the labels.
        confusion: confusion[i][j] images of class i were predicted as class j.
    """

    accuracy: float
    top5_accuracy: float | None
    loss: float
    images: int
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def classification_metrics(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> Metrics:
    """Computes the metrics of a classifier.

    Args:
        probabilities: (images, classes), rows that sum to 1.
        labels: (images,) true classes, as indices.
        class_names: One name per class.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels = np.asarray(labels)
    classes = len(class_names)
    if probabilities.shape != (len(labels), classes) or not len(labels):
        raise InputError(
            f"probabilities must have the shape (images, classes) = ({len(labels)}, {classes}), "
            f"with at least one image. Received: {probabilities.shape}."
        )
    guesses = probabilities.argmax(axis=1)
    indices = np.arange(classes)
    precision, recall, f1, images = precision_recall_fscore_support(
        labels, guesses, labels=indices, zero_division=0.0
    )
    of_truth = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1.0)
    top5 = None
    if classes > 5:
        top5 = float((np.argsort(-probabilities, axis=1)[:, :5] == labels[:, None]).any(1).mean())
    return Metrics(
        accuracy=float((guesses == labels).mean()),
        top5_accuracy=top5,
        loss=float(-np.log(of_truth).mean()),
        images=len(labels),
        per_class={
            name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(images[i]))
            for i, name in enumerate(class_names)
        },
        confusion=tuple(map(tuple, confusion_matrix(labels, guesses, labels=indices).tolist())),
    )
