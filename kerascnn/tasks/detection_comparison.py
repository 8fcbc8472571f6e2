"""Whether a detector's file finds what its Keras model finds, figure by figure."""

from collections.abc import Mapping

import numpy as np

from kerascnn.tasks.comparison import Metric, Tolerance, agreement, at_most
from kerascnn.tasks.likeness import Likeness, likeness

_PIXEL = 1.0  # of the model's input: how far edges may be off
_COARSE = 0.02  # a mean tolerance from which on a recipe rounds to 8 bits


def object_metrics(alike: Likeness, tolerance: Tolerance, size: tuple[int, int]) -> list[Metric]:
    """The figures of matched objects.

    Args:
        alike: The objects of both, matched.
        tolerance: The limits. Edges are to be within a pixel on average, in recipes that do not
            round to 8 bits each of them.
        size: Height and width of the images that the model takes.
    """
    answers, changed = max(1, int(alike.counts.sum())), int(alike.alone.sum())
    ties = int(alike.ties.sum())
    height, width = size
    edges = (alike.edges * (height, width, height, width)).max(axis=1, initial=0.0)
    metrics = [
        agreement("object_agreement", answers, changed - ties, tolerance.top1_agreement),
        at_most("boxes.mean_pixels", _average(edges), _PIXEL),
        at_most("scores.max_abs", _largest(alike.scores), tolerance.max_abs),
        at_most("scores.mean_abs", _average(alike.scores), tolerance.mean_abs),
    ]
    if tolerance.mean_abs < _COARSE:
        metrics.append(at_most("boxes.max_pixels", _largest(edges), _PIXEL))
    return metrics


def object_differences(
    before: Mapping[str, np.ndarray], now: Mapping[str, np.ndarray], threshold: float
) -> dict[str, np.ndarray]:
    """By role how far matched objects are apart, those of a score from the threshold on.

    Returns:
        "boxes", of each edge in shares of the picture, and "scores".
    """
    alike = likeness(before, now, threshold, 0.0)
    return {"boxes": alike.edges, "scores": alike.scores}


def _average(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _largest(values: np.ndarray) -> float:
    return float(values.max()) if len(values) else 0.0
