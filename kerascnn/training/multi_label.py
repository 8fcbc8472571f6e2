"""What a multi-label classifier got right, computed from its probabilities and the true labels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kerascnn.errors import InputError

THRESHOLD = 0.5


@dataclass(frozen=True)
class LabelMetrics:
    """Of one label.

    Attributes:
        average_precision: Area under the curve of precision over recall, whatever the threshold;
            None if no image has the label.
        precision: Share of the images given the label, above 0.5, that have it.
        recall: Share of the images that have it which were given it.
        f1: Harmonic mean of the two.
        images: How many have it.
    """

    average_precision: float | None
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class MultiLabelMetrics:
    """Of one split.

    Attributes:
        mean_average_precision: Mean over the labels that some image has, in 0..1; None if no
            image has any.
        exact_match: Share of images with all labels right.
        hamming_loss: Share of wrong decisions, over all images and labels.
        loss: Mean binary cross-entropy, in nats.
        images: How many images were judged.
        per_label: One row per label, in the order of the outputs.
    """

    mean_average_precision: float | None
    exact_match: float
    hamming_loss: float
    loss: float
    images: int
    per_label: dict[str, LabelMetrics]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def multi_label_metrics(
    probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> MultiLabelMetrics:
    """Computes the metrics of a multi-label classifier.

    Args:
        probabilities: (images, labels), each in 0..1.
        labels: (images, labels) of 0 and 1.
        label_names: One name per label.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    from sklearn.metrics import average_precision_score

    truth = np.asarray(labels) > THRESHOLD
    wanted = (len(truth), len(label_names))
    if probabilities.shape != wanted or truth.shape != wanted or not len(truth):
        raise InputError(
            f"probabilities and labels must have the shape (images, {len(label_names)}), with at "
            f"least one image. Received: {probabilities.shape} and {truth.shape}."
        )
    given = probabilities > THRESHOLD
    right, images, said = ((truth & given).sum(axis=0), truth.sum(axis=0), given.sum(axis=0))
    found = [
        float(average_precision_score(truth[:, i], probabilities[:, i])) if images[i] else None
        for i in range(len(label_names))
    ]
    known = [value for value in found if value is not None]
    likely = np.clip(np.where(truth, probabilities, 1 - probabilities), 1e-7, 1.0)
    return MultiLabelMetrics(
        mean_average_precision=float(np.mean(known)) if known else None,
        exact_match=float((truth == given).all(axis=1).mean()),
        hamming_loss=float((truth != given).mean()),
        loss=float(-np.log(likely).mean()),
        images=len(truth),
        per_label={
            name: LabelMetrics(
                average_precision=found[i],
                precision=float(right[i] / max(said[i], 1)),
                recall=float(right[i] / max(images[i], 1)),
                f1=float(2 * right[i] / max(said[i] + images[i], 1)),
                images=int(images[i]),
            )
            for i, name in enumerate(label_names)
        },
    )
