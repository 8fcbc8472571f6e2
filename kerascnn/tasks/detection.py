"""Objects with boxes: what the outputs of detectors are, compared, scored and said."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.boxes import CROWD, Row, edges_first
from kerascnn.tasks.comparison import (
    Metric,
    Report,
    Source,
    Tolerance,
    agreement,
    at_most,
    varies,
)
from kerascnn.tasks.detection_metrics import SHOWN, DetectionMetrics, detection_metrics
from kerascnn.tasks.detections import BOXES, CLASSES, SCORES, detections
from kerascnn.tasks.likeness import likeness, pixel
from kerascnn.tasks.outputs import Arrays, Output, quantities
from kerascnn.tasks.probabilities import Kind, sigmoid
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import percent

EDGES = ("left", "top", "right", "bottom")  # as people are told
_PIXEL = 1.0  # of the model's input: how far edges may be off
_COARSE = 0.02  # a mean tolerance from which on a recipe rounds to 8 bits
_RANKS = 1e-3  # of mAP: what rounding changes where scores are all but equal


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
                f"(kerascnn.tasks.boxes.Row). Received: {list(rows.shape)} of {rows.dtype}."
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
        # A class without objects, of which many sets declare some, is never found; the rest is.
        if ((targets[..., Row.LABEL] >= 0) & (targets[..., Row.FLAG] != CROWD)).any():
            return None
        return "none of the usable training images has an object"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        labels = targets[..., Row.LABEL]
        classes = max(1, int(labels.max()) + 1)
        return np.stack([(labels == label).any(axis=1) for label in range(classes)], axis=1)

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
        first, second = (self.predictions(arrays, outputs) for arrays in (wanted, got))
        same: np.ndarray = likeness(first, second, shown_from(outputs), 0.0).alone == 0
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


def _average(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _largest(values: np.ndarray) -> float:
    return float(values.max()) if len(values) else 0.0
