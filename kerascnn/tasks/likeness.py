"""Whether two detectors find the same objects: matched one by one, then compared."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kerascnn.tasks.boxes import overlaps

_SAME = 0.5  # overlap from which on two boxes of one class are of the same object


@dataclass(frozen=True, eq=False)
class Likeness:
    """What two sets of detections have in common, those of a score from the threshold on.

    Attributes:
        counts: `[images]` objects that either of them found.
        alone: `[images]` of these, how many only one of them found.
        ties: `[images]` of those, how many have a score so near the threshold that they may.
        edges: `[matched, 4]` the differences of the edges, as shares of the picture.
        scores: `[matched]` the difference of the scores.
    """

    counts: np.ndarray
    alone: np.ndarray
    ties: np.ndarray
    edges: np.ndarray
    scores: np.ndarray


def likeness(
    wanted: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], threshold: float, tie: float
) -> Likeness:
    """Matches what two models found in the same images, the better overlaps first.

    Args:
        wanted: Boxes, scores and classes as `kerascnn.tasks.detections.detections` gives them.
        got: Those of the other one.
        threshold: The score from which on an object is given.
        tie: An object that only one of them gives does not count if its score is within this of
            the threshold.
    """
    rows, edges, scores = [], [], []
    for image in range(len(wanted["scores"])):
        first, second = _shown(wanted, image, threshold), _shown(got, image, threshold)
        pairs = _pairs(wanted, got, image, first, second)
        for one, other in pairs:
            difference = wanted["boxes"][image, one] - got["boxes"][image, other]
            edges.append(np.abs(difference))
            scores.append(abs(wanted["scores"][image, one] - got["scores"][image, other]))
        left = [wanted["scores"][image, i] for i in first if i not in {a for a, _ in pairs}]
        left += [got["scores"][image, i] for i in second if i not in {b for _, b in pairs}]
        close = sum(abs(float(score) - threshold) <= tie for score in left)
        rows.append((len(pairs) + len(left), len(left), close))
    counts, alone, ties = np.array(rows).reshape(-1, 3).T
    return Likeness(counts, alone, ties, np.array(edges).reshape(-1, 4), np.array(scores))


def _shown(found: Mapping[str, np.ndarray], image: int, threshold: float) -> list[int]:
    return np.flatnonzero(found["scores"][image] >= threshold).tolist()


def _pairs(
    wanted: Mapping[str, np.ndarray],
    got: Mapping[str, np.ndarray],
    image: int,
    first: list[int],
    second: list[int],
) -> list[tuple[int, int]]:
    """(place in wanted, place in got) of the same objects, each once."""
    shared = overlaps(wanted["boxes"][image, first], got["boxes"][image, second])
    classes = wanted["classes"][image, first][:, np.newaxis] == got["classes"][image, second]
    shared = np.where(classes, shared, 0.0)
    pairs = []
    while shared.size and shared.max() >= _SAME:
        one, other = np.unravel_index(shared.argmax(), shared.shape)
        pairs.append((first[int(one)], second[int(other)]))
        shared[one, :] = shared[:, other] = 0.0
    return pairs
