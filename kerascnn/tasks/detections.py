"""From what a detector says at each of its points to objects, and which of them are right."""

from collections.abc import Mapping

import numpy as np

from kerascnn.tasks.average_precision import MOST
from kerascnn.tasks.boxes import Row, edges_first, overlaps, suppress

BOXES, SCORES, CLASSES = "boxes", "scores", "classes"
MOST_OVERLAP = 0.6  # of two boxes of one class that both stay
CANDIDATES = 300  # pairs of a point and a class of a picture that are looked at, the best
LEAST_SCORE = 0.01  # of what is looked at
_MATCH = 0.5  # overlap from which on a box has found an object


def detections(
    boxes: np.ndarray,
    scores: np.ndarray,
    *,
    most: int = MOST,
    most_overlap: float = MOST_OVERLAP,
    candidates: int = CANDIDATES,
    least_score: float = LEAST_SCORE,
) -> dict[str, np.ndarray]:
    """The objects of each picture: of boxes of one class that overlap, the best one.

    Args:
        boxes: `[pictures, points, 4]`: top, left, bottom and right edge as shares of the picture.
        scores: `[pictures, points, classes]` in 0..1.
        most: Objects of a picture, at most.
        most_overlap: Boxes of one class with a larger overlap with a better one are left out.
        candidates: The best so many pairs of a point and a class are looked at.
        least_score: And of these, those with a higher score.

    Returns:
        "boxes" `[pictures, most, 4]`, within 0..1, "scores" `[pictures, most]`, the best first, and
        "classes" `[pictures, most]`; places that are left over have the score 0.
    """
    n, classes = len(boxes), scores.shape[-1]
    found = {
        BOXES: np.zeros((n, most, 4), np.float32),
        SCORES: np.zeros((n, most), np.float32),
        CLASSES: np.zeros((n, most), np.int32),
    }
    for image in range(n):
        flat = scores[image].reshape(-1)
        best = np.argsort(-flat, kind="stable")[:candidates]
        best = best[flat[best] > least_score]
        own = np.clip(boxes[image, best // classes], 0, 1)
        labels = best % classes
        apart = own + 2.0 * labels[:, np.newaxis]  # no box reaches one of another class
        kept = suppress(apart, flat[best], most_overlap, most)
        for role, values in ((BOXES, own), (SCORES, flat[best]), (CLASSES, labels)):
            found[role][image, : len(kept)] = values[kept]
    return found


def matches(found: Mapping[str, np.ndarray], rows: np.ndarray, image: int) -> np.ndarray:
    """Which object each detection of a picture has found: the best first, each object once.

    Returns:
        `[detections]` places in the picture's rows; -1 for a false alarm, -2 for a box on a crowd
        or a difficult object, which counts for nothing, and for places that are left over.
    """
    objects, scores = rows[image], found[SCORES][image]
    own = overlaps(edges_first(found[BOXES][image]), objects[:, : Row.BOTTOM + 1])
    own[:, objects[:, Row.LABEL] < 0] = -1
    own[found[CLASSES][image][:, np.newaxis] != objects[np.newaxis, :, Row.LABEL]] = -1
    free = objects[:, Row.FLAG] == 0
    result = np.full(len(scores), -1)
    for place in range(len(scores)):
        if scores[place] <= 0:
            result[place] = -2
            continue
        candidates = np.where(free, own[place], -1)
        if len(candidates) and candidates.max() >= _MATCH:
            result[place] = int(candidates.argmax())
            free[result[place]] = False
        elif (own[place][objects[:, Row.FLAG] != 0] >= _MATCH).any():
            result[place] = -2
    return result
