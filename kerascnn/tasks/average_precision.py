"""COCO's average precision, by pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.boxes import Row

SIZES = ("small", "medium", "large")  # up to 32², 96² and more pixels of the original picture
MOST = 100  # detections of a picture that count


class _Annotations:
    """What COCOeval asks of a `pycocotools.coco.COCO`, without its files and its printing."""

    def __init__(self, rows: Sequence[dict[str, Any]], images: int, classes: int):
        self._rows = {row["id"]: row for row in rows}
        self._images, self._classes = range(images), range(1, classes + 1)

    def getImgIds(self) -> list[int]:
        return list(self._images)

    def getCatIds(self) -> list[int]:
        return list(self._classes)

    def getAnnIds(self, imgIds: Sequence[int], catIds: Sequence[int] = ()) -> list[int]:
        return list(self._rows)

    def loadAnns(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        return [self._rows[one] for one in ids]


def average_precisions(
    found: Mapping[str, np.ndarray], rows: np.ndarray, classes: int, *, by_size: bool = True
) -> "np.ndarray":
    """The average precision of each overlap, class and size of objects.

    Args:
        found: The `detections` of each picture: edges, scores and classes.
        rows: `[pictures, objects, 9]`, as `kerascnn.tasks.boxes.Row`.
        classes: How many there are.
        by_size: Whether objects are also judged by their size.

    Returns:
        `[10, classes, 4]`: for the overlaps 0.5, 0.55 ... 0.95; of all sizes, then `SIZES`. NaN
        where there is no such object. Without `by_size` the last axis is 1.

    Raises:
        InputError: pycocotools is not installed.
    """
    evaluator = _evaluator()(
        _Annotations(_truth(rows), len(rows), classes),
        _Annotations(_found(found, rows), len(rows), classes),
        "bbox",
    )
    if not by_size:
        evaluator.params.areaRng = evaluator.params.areaRng[:1]
        evaluator.params.areaRngLbl = evaluator.params.areaRngLbl[:1]
    evaluator.params.maxDets = [MOST]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.evaluate()
        evaluator.accumulate()
    precision = evaluator.eval["precision"][..., 0]  # overlaps, recalls, classes, sizes
    mean: np.ndarray = precision.mean(axis=1)
    return np.where(mean > -1, mean, np.nan)


def require_pycocotools() -> None:
    """Raises InputError unless pycocotools is installed."""
    _evaluator()


def _evaluator() -> Any:
    try:
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise InputError(
            "detection is judged by pycocotools, which is not installed. Install it: pip install "
            "'kerascnn[detection]'."
        ) from error
    return COCOeval


def _truth(rows: np.ndarray) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for image, objects in enumerate(rows):
        for row in objects[objects[:, Row.LABEL] >= 0]:
            box = _in_pixels(row[: Row.BOTTOM + 1], row)
            found.append(
                {
                    "id": len(found) + 1,  # 0 would count as "matched by nothing"
                    "image_id": image,
                    "category_id": int(row[Row.LABEL]) + 1,
                    "bbox": box,
                    "area": float(row[Row.AREA]),
                    "iscrowd": int(row[Row.FLAG] != 0),
                }
            )
    return found


def _found(found: Mapping[str, np.ndarray], rows: np.ndarray) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = []
    for image, (boxes, scores, classes) in enumerate(
        zip(found["boxes"], found["scores"], found["classes"], strict=True)
    ):
        for edges, score, label in zip(boxes, scores, classes, strict=True):
            if score <= 0:
                continue
            box = _in_pixels(edges[[1, 0, 3, 2]], rows[image, 0])
            given.append(
                {
                    "id": len(given) + 1,
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "score": float(score),
                }
            )
    return given


def _in_pixels(box: np.ndarray, row: np.ndarray) -> list[float]:
    """(left, top, right, bottom) as shares to (left, top, width, height) in pixels."""
    left, top, right, bottom = box.astype(np.float64)
    width, height = float(row[Row.WIDTH]), float(row[Row.HEIGHT])
    # pycocotools would not count a box that ends before it starts as a false alarm.
    sides = max(right - left, 0.0) * width, max(bottom - top, 0.0) * height
    return [left * width, top * height, *sides]
