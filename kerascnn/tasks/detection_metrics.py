"""How good a detector is: average precision, and precision and recall from a score on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.average_precision import SIZES, average_precisions
from kerascnn.tasks.boxes import Row
from kerascnn.tasks.detections import CLASSES, SCORES, matches
from kerascnn.tasks.metrics import Metrics, Table
from kerascnn.tasks.words import number, percent

SHOWN = 0.3  # the score from which on a box is shown, unless something says better


@dataclass(frozen=True)
class ClassMetrics:
    """Of one class.

    Attributes:
        ap: Average precision over the overlaps 0.5 to 0.95; None without objects.
        ap50: That of the overlap 0.5.
        objects: How many there are, crowds and difficult ones apart.
        precision: Share of the boxes from the threshold on that found an object; None without.
        recall: Share of the objects found by them; None without objects.
    """

    ap: float | None
    ap50: float | None
    objects: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class DetectionMetrics(Metrics):
    """Of one split.

    Attributes:
        map: Mean over the classes of the average precision, itself the mean over the overlaps
            0.5, 0.55 ... 0.95 (COCO's mAP).
        ap50: Mean over the classes at the overlap 0.5.
        ap75: At 0.75.
        ap_small: As `map`, of objects of up to 32x32 pixels of the original picture; None without.
        ap_medium: Up to 96x96.
        ap_large: Larger ones.
        threshold: The score from which on boxes have the best F1 at the overlap 0.5.
        precision: Share of the boxes from this score on that found an object.
        recall: Share of the objects that they found.
        objects: How many there are, crowds and difficult ones apart.
        images: How many images were judged.
        per_class: One row per class.
    """

    map: float
    ap50: float
    ap75: float
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    threshold: float
    precision: float
    recall: float
    objects: int
    images: int
    per_class: dict[str, ClassMetrics]
    title: ClassVar[str] = "mAP"

    @property
    def share(self) -> float:
        return self.map

    def lines(self, percent: Callable[[float], str] = percent) -> list[str]:
        return [f"mAP {percent(self.map)}", f"AP50 {percent(self.ap50)}"]

    def headline(self) -> str:
        found = (
            f"{percent(self.recall)} of {self.objects:,} objects found from a score of "
            f"{number(self.threshold)}, {percent(self.precision)} of the boxes right"
        )
        return f"{', '.join(self.lines())}, {found}, {self.images} images"

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        columns = ("mAP", "AP50", "AP75", "small", "medium", "large", "objects")
        figures = (self.map, self.ap50, self.ap75, self.ap_small, self.ap_medium, self.ap_large)
        return columns, [(*map(_share, figures), f"{self.objects:,}")]

    def details(self) -> Table | None:
        title = f"classes (precision and recall from a score of {number(self.threshold)} on)"
        columns = ("class", "mAP", "AP50", "precision", "recall", "objects")
        return (
            title,
            columns,
            [
                (
                    name,
                    *map(_share, (row.ap, row.ap50, row.precision, row.recall)),
                    f"{row.objects:,}",
                )
                for name, row in self.per_class.items()
            ],
        )


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)


def detection_metrics(
    found: Mapping[str, np.ndarray], rows: np.ndarray, names: Sequence[str]
) -> DetectionMetrics:
    """Computes the metrics of a detector.

    Args:
        found: What `detections` gives for each picture.
        rows: `[pictures, objects, 9]`, as `kerascnn.tasks.boxes.Row`.
        names: One for each class.

    Raises:
        InputError: Arrays that do not go together, no image, or pycocotools is not installed.
    """
    if not len(rows) or len(rows) != len(found[SCORES]):
        raise InputError(
            f"detections of {len(found[SCORES])} images and objects of {len(rows)} do not go "
            "together. Expected the same number, at least one."
        )
    table = average_precisions(found, rows, len(names))
    curve = precision_recall(found, rows)
    threshold = curve.threshold
    counted = _counted(found, rows, len(names), threshold)
    objects = counted[:, 0]
    return DetectionMetrics(
        map=_mean(table[..., 0]) or 0.0,
        ap50=_mean(table[0, :, 0]) or 0.0,
        ap75=_mean(table[5, :, 0]) or 0.0,
        **{f"ap_{size}": _mean(table[..., place]) for place, size in enumerate(SIZES, start=1)},
        threshold=threshold,
        precision=_ratio(counted[:, 2].sum(), counted[:, 1].sum()) or 0.0,
        recall=_ratio(counted[:, 2].sum(), objects.sum()) or 0.0,
        objects=int(objects.sum()),
        images=len(rows),
        per_class={
            name: ClassMetrics(
                ap=_mean(table[:, place, 0]),
                ap50=_mean(table[0, place, 0]),
                objects=int(objects[place]),
                precision=_ratio(counted[place, 2], counted[place, 1]),
                recall=_ratio(counted[place, 2], objects[place]),
            )
            for place, name in enumerate(names)
        },
    )


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """How precision and recall depend on the score from which on boxes count, overlap 0.5.

    Attributes:
        scores: `[n]` the scores, falling.
        precision: `[n]` of the boxes down to each score.
        recall: `[n]` likewise.
        threshold: The score with the best F1; `SHOWN` where nothing was found.
    """

    scores: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def threshold(self) -> float:
        total = self.precision + self.recall
        if not len(total) or not total.max():
            return SHOWN
        f1 = 2 * self.precision * self.recall / np.maximum(total, 1e-12)
        best = int(f1.argmax())
        # Halfway to the next score: other images have slightly other ones.
        below = self.scores[best + 1] if best + 1 < len(self.scores) else self.scores[best]
        return float((self.scores[best] + below) / 2)


def precision_recall(found: Mapping[str, np.ndarray], rows: np.ndarray) -> PrecisionRecall:
    """The curve over all classes; arguments as for `detection_metrics`."""
    matched = np.stack([matches(found, rows, image) for image in range(len(rows))])
    counts = matched > -2
    order = np.argsort(-found[SCORES][counts], kind="stable")
    right = (matched[counts] >= 0)[order].cumsum()
    objects = int(_are_objects(rows).sum())
    return PrecisionRecall(
        found[SCORES][counts][order],
        right / np.arange(1, len(right) + 1),
        right / max(1, objects),
    )


def _counted(
    found: Mapping[str, np.ndarray], rows: np.ndarray, classes: int, threshold: float
) -> np.ndarray:
    """Of each class the objects, the boxes from the threshold on, and those that found one."""
    counted = np.zeros((classes, 3), int)
    counted[:, 0] = np.bincount(
        rows[..., Row.LABEL][_are_objects(rows)].astype(int), minlength=classes
    )
    for image in range(len(rows)):
        matched, labels = matches(found, rows, image), found[CLASSES][image]
        shown = (matched > -2) & (found[SCORES][image] >= threshold)
        counted[:, 1] += np.bincount(labels[shown], minlength=classes)
        counted[:, 2] += np.bincount(labels[shown & (matched >= 0)], minlength=classes)
    return counted


def _are_objects(rows: np.ndarray) -> np.ndarray:
    are: np.ndarray = (rows[..., Row.LABEL] >= 0) & (rows[..., Row.FLAG] == 0)
    return are


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
