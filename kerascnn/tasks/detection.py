"""Objects with boxes: what detectors give, which boxes stay, and how good they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.average_precision import MOST, SIZES, average_precisions
from kerascnn.tasks.boxes import CROWD, Row, edges_first, overlaps, suppress
from kerascnn.tasks.comparison import (
    Metric,
    Report,
    Source,
    Tolerance,
    agreement,
    at_most,
    varies,
)
from kerascnn.tasks.likeness import likeness, pixel
from kerascnn.tasks.metrics import Metrics, Table
from kerascnn.tasks.outputs import Arrays, Output, quantities
from kerascnn.tasks.probabilities import Kind, sigmoid
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import number, percent

BOXES, SCORES, CLASSES = "boxes", "scores", "classes"
MOST_OVERLAP = 0.6  # of two boxes of one class that both stay
CANDIDATES = 300  # pairs of a point and a class of a picture that are looked at, the best
LEAST_SCORE = 0.01  # of what is looked at
SHOWN = 0.3  # the score from which on a box is shown, unless something says better
EDGES = ("left", "top", "right", "bottom")  # as people are told
_PIXEL = 1.0  # of the model's input: how far edges may be off
_COARSE = 0.02  # a mean tolerance from which on a recipe rounds to 8 bits
_RANKS = 1e-3  # of mAP: what rounding changes where scores are all but equal
_MATCH = 0.5  # overlap from which on a box has found an object


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


def _average(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _largest(values: np.ndarray) -> float:
    return float(values.max()) if len(values) else 0.0


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def shown_from(outputs: Sequence[Output]) -> float:
    """The score from which on objects are given."""
    return (outputs[0].thresholds or (SHOWN,))[0]


class Detection(Task):
    """Objects, each with a class and a box."""

    name = "detection"
    title = "Object detector"
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        SCORES: ("independent", "logits"),
        BOXES: ("quantities",),
    }
    adjective = "Objects alike"
    averages = False
    truth = "The true objects"

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        boxes, scores = arrays[BOXES], arrays[SCORES]
        if boxes.ndim != 3 or scores.ndim != 3 or boxes.shape != (*scores.shape[:2], 4):
            raise InputError(
                f"{source} does not suit the task {self.name}. Expected: scores [n, points, "
                f"classes] and boxes [n, points, 4]. Received: {list(scores.shape)} and "
                f"{list(boxes.shape)}."
            )
        kind = kinds[0] if kinds and kinds[0] in self.kinds[SCORES] else None
        if kind is None:
            kind = "independent" if scores.min() >= 0 and scores.max() <= 1 else "logits"
        thresholds = (SHOWN,) * scores.shape[-1]
        return (
            Output(role=SCORES, shape=(1, *scores.shape[1:]), kind=kind, thresholds=thresholds),
            quantities(BOXES, boxes),
        )

    def check_rows(self, outputs: Sequence[Output], source: str) -> None:
        """Boxes and scores of many points belong to one image here."""

    def names(self, outputs: Sequence[Output]) -> int:
        return outputs[0].shape[-1]

    def check_targets(self, targets: Any, n: int, names: int) -> np.ndarray:
        rows = np.asarray(targets)
        fits = rows.ndim == 3 and rows.shape[0] == n and rows.shape[2] == len(Row)
        if not fits or rows.dtype.kind not in "iuf":
            raise InputError(
                f"the objects of a detector must be rows [{n}, objects, {len(Row)}] of numbers "
                f"(kerascnn.tasks.boxes.Row), got {list(rows.shape)} of {rows.dtype}"
            )
        rows = rows.astype(np.float32)
        labels = rows[..., Row.LABEL]
        wrong = np.argwhere(~((labels == labels.round()) & (labels >= -1) & (labels < names)))
        if len(wrong):
            image, place = wrong[0]
            raise InputError(
                f"the objects of a detector hold a class that is none of 0..{names - 1}: "
                f"{labels[image, place]:g} in image {image}, row {place}"
            )
        return rows

    def check_training(self, targets: np.ndarray, names: Sequence[str]) -> str | None:
        labels = targets[..., Row.LABEL]
        teach = (labels >= 0) & (targets[..., Row.FLAG] != CROWD)
        counts = np.bincount(labels[teach].astype(int), minlength=len(names))
        missing = np.flatnonzero(counts == 0)
        if not len(missing):
            return None
        return f"the class {names[missing[0]]!r} has no object in the usable training images"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        labels = targets[..., Row.LABEL]
        most = int(labels.max()) + 1
        return np.stack([(labels == label).any(axis=1) for label in range(most)], axis=1)

    def predictions(self, arrays: Arrays, outputs: Sequence[Output]) -> dict[str, np.ndarray]:
        """The `detections` of each image: boxes, scores and classes."""
        scores = arrays[SCORES]
        if outputs[0].kind == "logits":
            scores = sigmoid(scores)
        return detections(arrays[BOXES], scores)

    def score(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        outputs: Sequence[Output],
        names: Sequence[str],
        step: float = 0.0,
    ) -> DetectionMetrics:
        return detection_metrics(predictions, targets, names)

    def words(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> str:
        limit = shown_from(outputs)
        shown = prediction[SCORES] >= limit
        if not shown.any():
            best = float(prediction[SCORES].max())
            return f"no object with a score of {percent(limit)} or more (best: {percent(best)})"
        counts = np.bincount(prediction[CLASSES][shown], minlength=len(names))
        total = ", ".join(f"{count} {names[place]}" for place, count in enumerate(counts) if count)
        each = "; ".join(
            f"{names[label]} {percent(score)} at {_place(box)}"
            for label, score, box in zip(
                prediction[CLASSES][shown][:top],
                prediction[SCORES][shown][:top],
                prediction[BOXES][shown][:top],
                strict=True,
            )
        )
        more = int(shown.sum()) - top
        return f"{total}: {each}" + (f"; and {more} more" if more > 0 else "")

    def as_json(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> dict[str, Any]:
        limit = shown_from(outputs)
        rows = zip(prediction[CLASSES], prediction[SCORES], prediction[BOXES], strict=True)
        return {
            "objects": [
                {
                    "class": names[label],
                    "score": float(score),
                    "box": dict(zip(EDGES, map(float, edges_first(box)), strict=True)),
                }
                for label, score, box in rows
                if score >= limit
            ]
        }

    def answer(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str]
    ) -> tuple[str, float | None]:
        limit = shown_from(outputs)
        labels = prediction[CLASSES][prediction[SCORES] >= limit]
        return _counts(labels, names), None

    def truth_in_words(self, target: Any, names: Sequence[str]) -> str:
        labels = target[:, Row.LABEL]
        return _counts(labels[labels >= 0].astype(int), names)

    def right(self, arrays: Arrays, targets: np.ndarray, outputs: Sequence[Output]) -> Any:
        return None

    def compare(
        self,
        path: str,
        wanted: Arrays,
        got: Arrays,
        outputs: Sequence[Output],
        targets: np.ndarray | None,
        tolerance: Tolerance,
        source: Source = "samples",
        steps: Sequence[float] = (),
    ) -> Report:
        """As of every task, by what is found: objects are matched, their boxes are to be within a
        pixel on average (in float recipes each of them) and their scores within the tolerance.

        With targets the mean average precision may fall by `tolerance.accuracy_drop`.
        """
        n = len(wanted[SCORES])
        finite = all(np.isfinite(a[role]).all() for a in (wanted, got) for role in self.roles)
        if not finite:
            return Report(
                path=path, metrics=(Metric("finite", 0.0, 1.0, False),), samples=n, source=source,
                output_range=float("nan"), answers=n, changed=0, near_ties=0,
                reference_accuracy=None, accuracy=None,
            )  # fmt: skip
        before, now = self.predictions(wanted, outputs), self.predictions(got, outputs)
        tie = max(2 * max(steps, default=0.0), tolerance.near_tie)
        alike = likeness(before, now, shown_from(outputs), tie)
        answers, changed = max(1, int(alike.counts.sum())), int(alike.alone.sum())
        ties = int(alike.ties.sum())
        edges = alike.edges / pixel(wanted[BOXES].shape[1])
        metrics = [
            Metric("finite", 1.0, 1.0, True),
            varies(wanted[SCORES], got[SCORES], max(steps, default=0.0), 1.0),
            agreement("object_agreement", answers, changed - ties, tolerance.top1_agreement),
            at_most("boxes.mean_pixels", _average(edges), _PIXEL),
            at_most("scores.max_abs", _largest(alike.scores), tolerance.max_abs),
            at_most("scores.mean_abs", _average(alike.scores), tolerance.mean_abs),
        ]
        if tolerance.mean_abs < _COARSE:
            metrics.append(at_most("boxes.max_pixels", _largest(edges), _PIXEL))
        precision: list[float | None] = [None, None]
        if targets is not None:
            names = [str(label) for label in range(self.names(outputs))]
            precision = [detection_metrics(f, targets, names).map for f in (before, now)]
            lost = float(precision[0] or 0) - float(precision[1] or 0)
            metrics.append(at_most("map_drop", lost, tolerance.accuracy_drop + _RANKS))
        return Report(
            path=path,
            metrics=tuple(metrics),
            samples=n,
            source=source,
            output_range=1.0,
            answers=answers,
            changed=changed,
            near_ties=ties,
            reference_accuracy=precision[0],
            accuracy=precision[1],
        )

    def agrees(self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        found = (self.predictions(arrays, outputs) for arrays in (wanted, got))
        same: np.ndarray = likeness(*found, shown_from(outputs), 0.0).alone == 0
        return same

    def margins(self, arrays: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        scores = self.predictions(arrays, outputs)[SCORES]
        nearest: np.ndarray = np.abs(scores - shown_from(outputs)).min(axis=1)
        return nearest

    def groups(self, arrays: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        """By which classes are found."""
        found = self.predictions(arrays, outputs)
        shown = found[SCORES] >= shown_from(outputs)
        classes = [set(row[own].tolist()) for row, own in zip(found[CLASSES], shown, strict=True)]
        kinds = sorted({tuple(sorted(one)) for one in classes})
        return np.array([kinds.index(tuple(sorted(one))) for one in classes])

    def align(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        known: Sequence[str],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[str, ...]]:
        places = np.array([list(known).index(name) for name in names])
        labels = targets[..., Row.LABEL].astype(int)
        moved = targets.copy()
        moved[..., Row.LABEL] = np.where(labels >= 0, places[labels], -1)
        return dict(predictions), moved, tuple(known)


def _counts(labels: np.ndarray, names: Sequence[str]) -> str:
    counts = np.bincount(labels, minlength=len(names))
    words = [f"{count} {names[place]}" for place, count in enumerate(counts) if count]
    return ", ".join(words) or "nothing"


def _place(box: np.ndarray) -> str:
    left, top, right, bottom = edges_first(box)
    return f"x {percent(left)}..{percent(right)}, y {percent(top)}..{percent(bottom)}"
