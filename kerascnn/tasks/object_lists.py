"""Detectors whose files give finished objects: boxes, classes, scores and their number.

The layout of TensorFlow's detection files, which MediaPipe's ObjectDetector opens: boxes
`[n, N, 4]` (top, left, bottom, right as shares of the picture), classes `[n, N]`, scores `[n, N]`,
the best first, and count `[n]`. What stands behind the first `count` places is padding.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from kerascnn.tasks.detection_metrics import SHOWN
from kerascnn.tasks.detections import BOXES, CLASSES, SCORES
from kerascnn.tasks.outputs import Arrays, Output

COUNT = "count"
ROLES = (BOXES, CLASSES, SCORES, COUNT)


def is_list(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays by role are finished objects."""
    return set(arrays) == set(ROLES)


def recognized(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray] | None:
    """Four outputs in any order as finished objects by role; None if they are none.

    Boxes and the count are known by their shapes. Of the other two the classes are whole numbers;
    where both are, the first of them is taken for the classes, as in TensorFlow's files.
    """
    arrays = [np.asarray(part) for part in parts]
    if len(arrays) != len(ROLES) or any(array.ndim == 0 for array in arrays):
        return None
    n = len(arrays[0])
    boxes = [one for one in arrays if one.ndim == 3 and one.shape[2] == 4]
    counts = [one for one in arrays if one.ndim == 1 or one.shape == (n, 1)]
    rows = [one for one in arrays if one.ndim == 2 and one.shape[1] > 1]
    if len(boxes) == 1 and len(counts) == 3:  # files that give one object at most
        rows = [one for one in counts if one.ndim == 2]
        counts = [one for one in counts if one.ndim == 1]
    if (len(boxes), len(counts), len(rows)) != (1, 1, 2):
        return None
    if any(one.shape != boxes[0].shape[:2] for one in rows) or any(len(a) != n for a in arrays):
        return None
    first, second = rows
    if not _whole(first) and _whole(second):
        first, second = second, first
    count = counts[0].reshape(n)
    return {BOXES: boxes[0], CLASSES: first, SCORES: second, COUNT: count}


def described(arrays: Arrays, classes: int | None = None) -> tuple[Output, ...]:
    """What the outputs of such a file are.

    Args:
        arrays: By role, as `recognized` gives them.
        classes: How many there are; by default as many as the arrays show.
    """
    most = arrays[SCORES].shape[1]
    if classes is None:
        classes = max(1, int(arrays[CLASSES].max(initial=0)) + 1)
    last = float(classes - 1)
    shown = (SHOWN,) * most
    return (
        Output(role=BOXES, shape=(1, most, 4), kind="quantities", ranges=((0.0, 1.0),) * 4),
        Output(role=CLASSES, shape=(1, most), kind="quantities", ranges=((0.0, last),) * most),
        Output(role=SCORES, shape=(1, most), kind="independent", thresholds=shown),
        Output(role=COUNT, shape=(1,), kind="quantities", ranges=((0.0, float(most)),)),
    )


def classes_of(outputs: Sequence[Output]) -> int:
    """How many classes such a file knows."""
    ranges = next(one.ranges for one in outputs if one.role == CLASSES) or ((0.0, 0.0),)
    return int(ranges[0][1]) + 1


def objects_of(arrays: Arrays) -> dict[str, np.ndarray]:
    """The objects as `kerascnn.tasks.detections.detections` gives them, padding with score 0."""
    scores = arrays[SCORES]
    used = np.arange(scores.shape[1]) < np.round(arrays[COUNT])[:, np.newaxis]
    return {
        BOXES: np.where(used[..., np.newaxis], np.clip(arrays[BOXES], 0, 1), 0).astype(np.float32),
        SCORES: np.where(used, scores, 0).astype(np.float32),
        CLASSES: np.where(used, arrays[CLASSES], 0).round().astype(np.int32),
    }


def listed(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What such a file gives for objects as `detections` gives them; float32."""
    counts = (found[SCORES] > 0).sum(axis=1)
    values = {role: found[role] for role in (BOXES, CLASSES, SCORES)} | {COUNT: counts}
    return {role: values[role].astype(np.float32) for role in ROLES}


def _whole(values: np.ndarray) -> bool:
    return bool((values == np.round(values)).all())
