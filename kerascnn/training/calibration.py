"""Whether probabilities mean what they say, and the temperature that mends them.

Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017,
arXiv:1706.04599: reliability diagrams and the expected calibration error (section 2), temperature
scaling (section 4.2).
"""

from dataclasses import dataclass

import numpy as np

from kerascnn.arguments import positive, whole
from kerascnn.errors import InputError
from kerascnn.tasks import softmax

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose probability of the chosen class is in `(lower, upper]`.

    Attributes:
        images: How many.
        confidence: Their mean probability of the chosen class; 0 without images.
        accuracy: The share of them that is right; 0 without images.
    """

    lower: float
    upper: float
    images: int
    confidence: float
    accuracy: float


def reliability_bins(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Sorts images by confidence into bins of equal width.

    Args:
        probabilities: (images, classes), rows that sum to 1.
        labels: (images,) true classes, as indices.
        bins: How many.

    Raises:
        InputError: Shapes that do not fit together, no image at all, or no bin.
    """
    labels = _checked(probabilities, labels)
    whole("bins", bins)
    return binned(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def binned(likely: np.ndarray, right: np.ndarray, bins: int) -> tuple[ReliabilityBin, ...]:
    """Sorts answers by their probabilities (answers,) into bins; `right` says which are right."""
    confidence = likely.astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    member = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(member, minlength=bins)
    safe = np.maximum(counts, 1)
    confidences = np.bincount(member, confidence, minlength=bins) / safe
    accuracies = np.bincount(member, right, minlength=bins) / safe
    return tuple(
        ReliabilityBin(
            float(edges[i]),
            float(edges[i + 1]),
            int(counts[i]),
            float(confidences[i]),
            float(accuracies[i]),
        )
        for i in range(bins)
    )


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> float:
    """Mean distance between confidence and accuracy of the bins, weighted by images (equation 3).

    Arguments and errors are those of `reliability_bins`; the result is in 0..1, 0 is perfect.
    """
    found = reliability_bins(probabilities, labels, bins)
    gaps = (one.images * abs(one.confidence - one.accuracy) for one in found)
    return sum(gaps) / len(labels)


def scale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities of a model whose scores are divided by `temperature`: above 1 is less sure.

    Args:
        probabilities: (images, classes), rows that sum to 1.
        temperature: Above 0.
    """
    _check_temperature(temperature)
    return softmax(_scores(probabilities) / temperature)


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the true classes likeliest, in 0.05..20.

    The mean negative log-likelihood is convex in 1 / temperature, so halving an interval by the
    sign of its slope finds the minimum. At the ends of the range there is none: at 0.05 every image
    is right, at 20 the probabilities say nothing.

    Args:
        probabilities: (images, classes) of images the model was not trained on.
        labels: (images,) true classes, as indices.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    labels = _checked(probabilities, labels)
    scores = _scores(probabilities)
    true = scores[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        expected = (scale(probabilities, 1 / inverse) * scores).sum(axis=1)
        return float((expected - true).mean())

    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    for _ in range(50):
        middle = (low + high) / 2
        if slope(float(np.exp(middle))) > 0:
            high = middle
        else:
            low = middle
    return float(np.exp(-(low + high) / 2))


def _scores(probabilities: np.ndarray) -> np.ndarray:
    # A softmax of float32 may give a plain 0, whose score would be minus infinity.
    return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny).astype(np.float64))


def _check_temperature(temperature: float) -> None:
    positive("temperature", temperature)


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise InputError(
            "expected probabilities (images, classes) and labels (images,), with at least one "
            f"image. Received: {probabilities.shape} and {labels.shape}."
        )
    return labels
