"""Objects with boxes: what the outputs of detectors are, compared, scored and said."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks import object_lists
from kerascnn.tasks.boxes import CROWD, Row, edges_first
from kerascnn.tasks.comparison import Metric, Report, Source, Tolerance, at_most, varies
from kerascnn.tasks.detection_comparison import object_differences, object_metrics
from kerascnn.tasks.detection_metrics import SHOWN, DetectionMetrics, detection_metrics
from kerascnn.tasks.detections import BOXES, CLASSES, SCORES, detections
from kerascnn.tasks.likeness import likeness
from kerascnn.tasks.outputs import Arrays, Output, quantities, with_threshold
from kerascnn.tasks.probabilities import Kind, sigmoid
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import percent

EDGES = ("left", "top", "right", "bottom")  # as people are told
RAW, OBJECTS = "raw", "objects"  # layouts of files
_RANKS = 1e-3  # of mAP: what rounding changes where scores are all but equal


def shown_from(outputs: Sequence[Output]) -> float:
    """The score from which on objects are given."""
    return (_scores(outputs).thresholds or (SHOWN,))[0]


class Detection(Task):
    """Objects, each with a class and a box.

    A model gives scores and boxes of many points. So do its files in the layout "raw"; in the
    layout "objects" they give finished objects, as `kerascnn.tasks.object_lists` says.
    """

    name = "detection"
    title = "Object detector"
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        SCORES: ("independent", "logits"),
        BOXES: ("quantities",),
    }
    adjective = "Objects alike"
    averages = False
    truth = "The true objects"
    layouts = (OBJECTS, RAW)

    def arrays(self, values: Any, source: str) -> dict[str, np.ndarray]:
        parts = values
        if isinstance(values, Mapping) and object_lists.is_list(values):
            parts = [values[role] for role in object_lists.ROLES]
        if isinstance(parts, (list, tuple)) and len(parts) == len(object_lists.ROLES):
            found = object_lists.recognized(parts)
            if found is not None:
                return found
        return super().arrays(values, source)

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        if object_lists.is_list(arrays):
            return object_lists.described(arrays)
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

    def check_outputs(self, outputs: Sequence[Output], names: int) -> None:
        if tuple(output.role for output in outputs) != object_lists.ROLES:
            super().check_outputs(outputs, names)
            return
        wanted = object_lists.described(
            {SCORES: np.zeros((1, _scores(outputs).shape[-1]))}, object_lists.classes_of(outputs)
        )
        for output, right in zip(outputs, wanted, strict=True):
            if (output.shape, output.kind, output.ranges) != (
                right.shape,
                right.kind,
                right.ranges,
            ):
                raise InputError(f"outputs: {output.role}: expected {right}. Received: {output}.")

    def names(self, outputs: Sequence[Output]) -> int:
        if len(outputs) == len(object_lists.ROLES):
            return object_lists.classes_of(outputs)
        return outputs[0].shape[-1]

    def laid_out(
        self, arrays: Arrays, outputs: Sequence[Output], layout: str
    ) -> tuple[dict[str, np.ndarray], tuple[Output, ...]]:
        if layout == RAW:
            return dict(arrays), tuple(outputs)
        found = object_lists.listed(self.predictions(arrays, outputs))
        return found, with_threshold(
            object_lists.described(found, self.names(outputs)), shown_from(outputs), "the model"
        )

    def check_alike(self, wanted: Arrays, got: Arrays) -> None:
        if object_lists.is_list(wanted) or not object_lists.is_list(got):
            super().check_alike(wanted, got)

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
        if object_lists.is_list(arrays):
            return object_lists.objects_of(arrays)
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
        image_size: tuple[int, int] | None = None,
    ) -> Report:
        """As of every task, by what is found: objects are matched, their boxes are to be within a
        pixel on average (in float recipes each of them) and their scores within the tolerance.

        With targets the mean average precision may fall by `tolerance.accuracy_drop`. The outputs
        of the file may be of another layout than the model's.
        """
        if image_size is None:
            raise InputError(
                "boxes are compared in pixels. Expected: image_size, the height and width of the "
                "images. Received: None."
            )
        n = len(wanted[SCORES])
        finite = all(np.isfinite(array).all() for a in (wanted, got) for array in a.values())
        if not finite:
            return Report(
                path=path, metrics=(Metric("finite", 0.0, 1.0, False),), samples=n, source=source,
                output_range=float("nan"), answers=n, changed=0, near_ties=0,
                reference_accuracy=None, accuracy=None,
            )  # fmt: skip
        before, now = self.predictions(wanted, outputs), self.predictions(got, outputs)
        step = max(steps, default=0.0)
        alike = likeness(before, now, shown_from(outputs), max(2 * step, tolerance.near_tie))
        metrics = [
            Metric("finite", 1.0, 1.0, True),
            varies(wanted[SCORES], got[SCORES], step, 1.0),
            *object_metrics(alike, tolerance, image_size),
        ]
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
            answers=max(1, int(alike.counts.sum())),
            changed=int(alike.alone.sum()),
            near_ties=int(alike.ties.sum()),
            reference_accuracy=precision[0],
            accuracy=precision[1],
        )

    def differences(
        self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]
    ) -> dict[str, np.ndarray]:
        if not object_lists.is_list(wanted):
            return super().differences(wanted, got, outputs)
        pair = self.predictions(wanted, outputs), self.predictions(got, outputs)
        found = object_differences(*pair, shown_from(outputs))
        return {role: found.get(role, np.zeros(0)) for role in object_lists.ROLES}

    def same(self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]) -> np.ndarray | None:
        return self.agrees(wanted, got, outputs)

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


def _scores(outputs: Sequence[Output]) -> Output:
    return next(output for output in outputs if output.role == SCORES)
