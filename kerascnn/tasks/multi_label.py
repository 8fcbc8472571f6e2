"""Any number of labels per image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.classification import SCORES, best, ranked
from kerascnn.tasks.metrics import Metrics, Table, check_shapes
from kerascnn.tasks.outputs import Arrays, Output, settle
from kerascnn.tasks.probabilities import Kind
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import percent, shortened

THRESHOLD = 0.5  # a label is given above it


@dataclass(frozen=True)
class LabelMetrics:
    """Of one label.

    Attributes:
        average_precision: Area under the curve of precision over recall, whatever the threshold;
            None if no image has the label.
        precision: Share of the images given the label that have it.
        recall: Share of the images that have it which were given it.
        f1: Harmonic mean of the two.
        images: How many have it.
    """

    average_precision: float | None
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class MultiLabelMetrics(Metrics):
    """Of one split.

    Attributes:
        mean_average_precision: Mean over the labels that some image has, in 0..1; None if no
            image has any.
        exact_match: Share of images with all labels right.
        hamming_loss: Share of wrong decisions, over all images and labels.
        loss: Mean binary cross-entropy, in nats.
        images: How many images were judged.
        per_label: One row per label, in the order of the outputs.
    """

    mean_average_precision: float | None
    exact_match: float
    hamming_loss: float
    loss: float
    images: int
    per_label: dict[str, LabelMetrics]
    title: ClassVar[str] = "decisions right"

    @property
    def share(self) -> float:
        return 1 - self.hamming_loss

    def lines(self, percent: Callable[[float], str] = percent) -> list[str]:
        return [percent(self.share), f"all labels: {percent(self.exact_match)}"]

    def headline(self) -> str:
        return (
            f"mean average precision {percent(self.mean_average_precision)}, all labels right "
            f"{percent(self.exact_match)}, loss {self.loss:.4f}, {self.images} images"
        )

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        shares = (self.mean_average_precision, self.exact_match, self.hamming_loss)
        columns = ("mAP", "all labels right", "decisions wrong", "loss")
        return columns, [(*map(percent, shares), f"{self.loss:.4f}")]

    def details(self) -> Table:
        rows = [
            (
                name,
                *map(percent, (row.average_precision, row.precision, row.recall, row.f1)),
                str(row.images),
            )
            for name, row in self.per_label.items()
        ]
        columns = ("label", "average precision", "precision", "recall", "F1", "images")
        return "per label, given above its threshold", columns, rows


def multi_label_metrics(
    probabilities: np.ndarray,
    labels: np.ndarray,
    label_names: Sequence[str],
    thresholds: Sequence[float] | None = None,
    step: float = 0.0,
) -> MultiLabelMetrics:
    """Computes the metrics of a multi-label classifier.

    Args:
        probabilities: (images, labels), each in 0..1.
        labels: (images, labels) of 0 and 1.
        label_names: One name per label.
        thresholds: Above which each label is given; 0.5 by default.
        step: The smallest a probability can be beside 0: zeros count as half of it in the loss.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    from sklearn.metrics import average_precision_score

    truth = np.asarray(labels) > THRESHOLD
    check_shapes(probabilities, truth, label_names, (len(label_names),))
    limits = THRESHOLD if thresholds is None else np.asarray(thresholds)
    given = probabilities > limits
    right, images, said = ((truth & given).sum(axis=0), truth.sum(axis=0), given.sum(axis=0))
    found = [
        float(average_precision_score(truth[:, i], probabilities[:, i])) if images[i] else None
        for i in range(len(label_names))
    ]
    known = [value for value in found if value is not None]
    floor = max(step / 2, 1e-7)
    likely = np.clip(np.where(truth, probabilities, 1 - probabilities), floor, 1.0)
    return MultiLabelMetrics(
        mean_average_precision=float(np.mean(known)) if known else None,
        exact_match=float((truth == given).all(axis=1).mean()),
        hamming_loss=float((truth != given).mean()),
        loss=float(-np.log(likely).mean()),
        images=len(truth),
        per_label={
            name: LabelMetrics(
                average_precision=found[i],
                precision=float(right[i] / max(said[i], 1)),
                recall=float(right[i] / max(images[i], 1)),
                f1=float(2 * right[i] / max(said[i] + images[i], 1)),
                images=int(images[i]),
            )
            for i, name in enumerate(label_names)
        },
    )


class MultiLabel(Task):
    """Any number of labels per image: those with a probability above their threshold."""

    name = "multi_label"
    title = "Multi-label image classifier"
    nouns = ("label", "labels")
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]] = {SCORES: ("independent",)}
    adjective = "All labels alike"
    truth = "The true labels"

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        values = arrays[SCORES]
        # A softmax gives numbers in 0..1 too: they are taken as they are.
        logits = settle(kinds[0], values, source) == "logits"
        return (
            Output(
                role=SCORES,
                shape=(1, *values.shape[1:]),
                kind="logits" if logits else "independent",
                thresholds=(THRESHOLD,) * values.shape[-1],
            ),
        )

    def check_outputs(self, outputs: Sequence[Output], names: int) -> None:
        if outputs[0].kind == "logits":
            raise InputError(
                "a bundle of the task multi_label takes models that give probabilities, in 0..1; "
                "this one gives logits. End it with a sigmoid: "
                "keras.Sequential([model, keras.layers.Activation('sigmoid')])."
            )
        super().check_outputs(outputs, names)
        if outputs[0].thresholds is None:
            raise InputError(f"output.thresholds: expected {names} of them, got null")

    def check_targets(self, targets: Any, n: int, names: int) -> np.ndarray:
        labels = np.asarray(targets)
        if labels.shape != (n, names) or labels.dtype.kind not in "biuf":
            raise self._unfit(n, names, f"{list(labels.shape)} of {labels.dtype}")
        wrong = np.argwhere(~np.isin(labels, (0, 1)))
        if len(wrong):
            row, column = wrong[0]
            value = f"{shortened(labels[row, column].item())} in row {row}, column {column}"
            raise self._unfit(n, names, f"{list(labels.shape)} of {labels.dtype} with {value}")
        return labels.astype(bool)

    def _unfit(self, n: int, names: int, received: str) -> InputError:
        return InputError(
            f"labels of a multi-label classifier must be rows [{n}, {names}] of 0 and 1. Received: "
            f"{received}."
        )

    def check_training(self, targets: np.ndarray, names: Sequence[str]) -> str | None:
        missing = np.flatnonzero(targets.max(axis=0) == 0)
        if not len(missing):
            return None
        return f"the label {names[missing[0]]!r} is that of no usable training image"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        return targets > THRESHOLD

    def score(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        outputs: Sequence[Output],
        names: Sequence[str],
        step: float = 0.0,
    ) -> MultiLabelMetrics:
        return multi_label_metrics(predictions[SCORES], targets, names, outputs[0].thresholds, step)

    def words(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> str:
        scores, limits = prediction[SCORES], np.asarray(outputs[0].thresholds)
        order = best(scores, len(names))
        given = [i for i in order if scores[i] > limits[i]]
        if given:
            return "  ".join(f"{names[i]} {percent(scores[i])}" for i in given)
        least = f"{100 * limits[0]:g} %" if len(set(limits)) == 1 else "its threshold"
        return f"no label above {least} (first: {names[order[0]]} {percent(scores[order[0]])})"

    def as_json(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> dict[str, Any]:
        return {"predictions": ranked(prediction[SCORES], names, len(names))}

    def answer(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str]
    ) -> tuple[str, float | None]:
        given = prediction[SCORES] > np.asarray(outputs[0].thresholds)
        return self.truth_in_words(given, names), None

    def truth_in_words(self, target: Any, names: Sequence[str]) -> str:
        given = [name for name, said in zip(names, target, strict=True) if said]
        return ", ".join(given) or "no label"

    def align(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        known: Sequence[str],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[str, ...]]:
        return by_columns(predictions, SCORES, known, names), targets, tuple(names)


def by_columns(
    predictions: Arrays, role: str, known: Sequence[str], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Predictions whose array of that role holds the columns of `names`, of those `known`."""
    columns = [list(known).index(name) for name in names]
    return {**predictions, role: predictions[role][:, columns]}
