"""One class per image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.intervals import caution, wilson_interval
from kerascnn.tasks.metrics import Metrics, Table, check_shapes
from kerascnn.tasks.outputs import Arrays, Output, settle
from kerascnn.tasks.probabilities import Kind
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import percent, shortened

SCORES = "scores"


@dataclass(frozen=True)
class ClassMetrics:
    """Of one class: the share found (recall), the share of its predictions that are right."""

    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class ClassificationMetrics(Metrics):
    """Of one split.

    Attributes:
        accuracy: Share of images whose first guess is right, in 0..1.
        top5_accuracy: Share with the right class among the first five; None below six classes.
        loss: Mean cross-entropy, in nats; of independent scores, mean binary cross-entropy.
        images: How many images were judged.
        per_class: One row per class, in the order of the labels.
        confusion: confusion[i][j] images of class i were predicted as class j.
    """

    accuracy: float
    top5_accuracy: float | None
    loss: float
    images: int
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]
    title: ClassVar[str] = "accuracy"

    @property
    def share(self) -> float:
        return self.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy by the number of images, in 0..1."""
        return wilson_interval(self.accuracy, self.images)

    def to_dict(self) -> dict[str, Any]:
        values = super().to_dict()
        interval = [round(end, 6) for end in self.interval]
        return {"accuracy": values.pop("accuracy"), "accuracy_interval": interval, **values}

    def lines(self, percent: Callable[[float], str] = percent) -> list[str]:
        top5 = [] if self.top5_accuracy is None else [f"top 5: {percent(self.top5_accuracy)}"]
        return [percent(self.accuracy), *top5]

    def headline(self) -> str:
        low, high = self.interval
        words = (
            f"accuracy {percent(self.accuracy)} (95 % interval {100 * low:.1f} to "
            f"{100 * high:.1f} %), loss {self.loss:.4f}, {self.images} images"
        )
        warned = caution(self.accuracy, self.images)
        return f"{words}. {warned}" if warned else words

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        wrong = f"{(1 - self.accuracy) * self.images:.0f}"
        low, high = self.interval
        within = f"{100 * low:.1f} to {100 * high:.1f} %"
        columns = ("accuracy", "95 % interval", "top-5", "loss", "wrong")
        top5 = percent(self.top5_accuracy)
        return columns, [(percent(self.accuracy), within, top5, f"{self.loss:.4f}", wrong)]

    def details(self) -> Table:
        rows = [
            (name, *map(percent, (row.precision, row.recall)), str(row.images))
            for name, row in self.per_class.items()
        ]
        return "per class", ("class", "precision", "recall", "images"), rows


def classification_metrics(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    independent: bool = False,
    step: float = 0.0,
) -> ClassificationMetrics:
    """Computes the metrics of a classifier.

    Args:
        probabilities: (images, classes), rows that sum to 1, or independent ones.
        labels: (images,) true classes, as indices.
        class_names: One name per class.
        independent: Whether each probability stands for itself.
        step: The smallest a probability can be beside 0: zeros count as half of it in the loss.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels, classes = np.asarray(labels), len(class_names)
    check_shapes(probabilities, labels, class_names, ())
    guesses = probabilities.argmax(axis=1)
    indices, rows = np.arange(classes), np.arange(len(labels))
    precision, recall, f1, images = precision_recall_fscore_support(
        labels, guesses, labels=indices, zero_division=0.0
    )
    floor, of_truth = max(step / 2, 1e-12), probabilities[rows, labels]
    likely = of_truth[:, np.newaxis]
    if independent:
        likely = np.where(np.eye(classes, dtype=bool)[labels], probabilities, 1 - probabilities)
    # A true class that shares its value with others gets the worst place among them.
    places = (probabilities >= of_truth[:, np.newaxis]).sum(axis=1)
    return ClassificationMetrics(
        accuracy=float((guesses == labels).mean()),
        top5_accuracy=float((places <= 5).mean()) if classes > 5 else None,
        loss=float(-np.log(np.clip(likely, floor, 1.0)).mean()),
        images=len(labels),
        per_class={
            name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(images[i]))
            for i, name in enumerate(class_names)
        },
        confusion=tuple(map(tuple, confusion_matrix(labels, guesses, labels=indices).tolist())),
    )


class Classification(Task):
    """One class per image: the best score."""

    name = "classification"
    title = "Image classifier"
    nouns = ("class", "classes")
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        SCORES: ("probabilities", "logits", "independent")
    }
    adjective = "Same best class"
    truth = "The true class"

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        return (class_scores(arrays[SCORES], kinds[0], source),)

    def check_outputs(self, outputs: Sequence[Output], names: int) -> None:
        super().check_outputs(outputs, names)
        if outputs[0].thresholds is not None:
            raise InputError("output.thresholds: expected null for classification")

    def check_targets(self, targets: Any, n: int, names: int) -> np.ndarray:
        return check_labels(targets, n, names)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        return targets

    def score(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        outputs: Sequence[Output],
        names: Sequence[str],
        step: float = 0.0,
    ) -> ClassificationMetrics:
        independent = outputs[0].kind == "independent" and not outputs[0].is_binary
        return classification_metrics(
            predictions[SCORES], targets, names, independent=independent, step=step
        )

    def words(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> str:
        scores = prediction[SCORES]
        return "  ".join(f"{names[i]} {percent(scores[i])}" for i in best(scores, top))

    def as_json(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> dict[str, Any]:
        return {"predictions": ranked(prediction[SCORES], names, top)}

    def answer(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str]
    ) -> tuple[str, float | None]:
        chosen = int(prediction[SCORES].argmax())
        return names[chosen], float(prediction[SCORES][chosen])

    def truth_in_words(self, target: Any, names: Sequence[str]) -> str:
        return names[int(target)]

    def align(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        known: Sequence[str],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[str, ...]]:
        places = np.array([list(known).index(name) for name in names])
        return dict(predictions), places[targets], tuple(known)


def class_scores(values: np.ndarray, kind: Kind | None, source: str, role: str = SCORES) -> Output:
    """What the scores of classes [n, ..., classes] are; one sigmoid stands for two classes.

    Args:
        values: For all images there are.
        kind: What the last layer says; None where it does not.
        source: What to call the model in messages.
        role: Of the output.

    Raises:
        InputError: No scores, one logit, or a softmax of one number.
    """
    if values.ndim < 2:
        raise InputError(
            f"{source} is no classifier. Expected one score per class, [n, classes]. Received: the "
            f"shape {list(values.shape)}."
        )
    kind = settle(kind, values, source)
    if values.shape[-1] == 1 and kind == "logits":
        raise InputError(
            f"{source} gives one number without a sigmoid, which is no choice between classes. "
            "Expected one score per class, or the probability of the second of two classes. If it "
            "is the logit of that class, end the model with a sigmoid: "
            "keras.Sequential([model, keras.layers.Activation('sigmoid')]). If it is a quantity, "
            "choose the task regression."
        )
    if values.shape[-1] == 1 and kind == "probabilities":
        raise InputError(
            f"{source} ends in a softmax over one number, which is always 1. Expected one unit per "
            "class, or a sigmoid: Dense(2, activation='softmax') or Dense(1, activation='sigmoid')."
        )
    return Output(role=role, shape=(1, *values.shape[1:]), kind=kind)


def check_labels(labels: Any, n: int, classes: int) -> np.ndarray:
    """`labels` as `n` class indices below `classes`; InputError names the first unfit one."""
    labels = np.asarray(labels)
    if labels.shape != (n,):
        hint = ""
        if labels.ndim == 2:
            hint = ". Rows of labels are for export_tflite(..., task='multi_label')"
        raise InputError(
            f"labels must have shape [{n}], one per sample. Received: {list(labels.shape)}{hint}."
        )
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"labels must be class indices (integers). Received: {labels.dtype}"
            f"{f', first {shortened(labels[0])}' if n else ''}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise InputError(
            f"labels must be 0 to {classes - 1} for {classes} outputs. Received: {labels.min()} to "
            f"{labels.max()}: the first unfit one is {labels[wrong[0]]} at position {wrong[0]}, of "
            f"{len(wrong)}."
        )
    return labels.astype(np.int64)


def best(scores: np.ndarray, count: int) -> list[int]:
    """The numbers of the highest scores, the best first."""
    return [int(i) for i in np.argsort(-scores, kind="stable")[:count]]


def ranked(scores: np.ndarray, names: Sequence[str], count: int) -> list[dict[str, Any]]:
    """The highest scores with their names, as JSON values."""
    return [
        {"label": names[i], "probability": round(float(scores[i]), 6)} for i in best(scores, count)
    ]
