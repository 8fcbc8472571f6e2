"""What the outputs of a bundle's files mean: which answers are alike, and how good they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export import manifest as contract
from kerascnn.export.comparison import output_kind
from kerascnn.export.report import Score, softmax
from kerascnn.export.samples import check_label_rows, check_labels, check_quantities
from kerascnn.export.task_comparison import THRESHOLD, Task, target_units
from kerascnn.export.verify import score

_BINS = 8


class Answers:
    """Base of the meanings of outputs [n, outputs].

    Attributes:
        task: As `export_tflite` calls it.
        name: The task in the manifest.
        kind: `output.kind` in the manifest.
        thresholds, ranges: Those of the manifest, or None.
        units: What differences are divided by before they are compared, [outputs] or [1].
    """

    task: ClassVar[Task]
    name: ClassVar[contract.Task]
    kind: contract.Kind
    thresholds: tuple[float, ...] | None = None
    ranges: tuple[tuple[float, float], ...] | None = None
    units: np.ndarray = np.ones(1)

    def truth(self, labels: np.ndarray, n: int, outputs: int) -> np.ndarray:
        """Labels in the form of the task, checked."""
        raise NotImplementedError

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        """What is answered, [n, decisions]; quantities decide nothing."""
        raise NotImplementedError

    def true_decisions(self, truth: np.ndarray) -> np.ndarray:
        """The right ones, likewise."""
        raise NotImplementedError

    def agrees(self, wanted: np.ndarray, got: np.ndarray) -> np.ndarray:
        """Which rows of `got` answer what `wanted` answers."""
        alike: np.ndarray = (self.decisions(wanted) == self.decisions(got)).all(axis=1)
        return alike

    def groups(self, outputs: np.ndarray) -> np.ndarray:
        """A number for each kind of answer [n], to choose images of all kinds."""
        _, numbers = np.unique(self.decisions(outputs), axis=0, return_inverse=True)
        return numbers.reshape(len(outputs))

    def margins(self, outputs: np.ndarray) -> np.ndarray:
        """How far each answer is from another one [n]."""
        raise NotImplementedError

    def score(self, outputs: np.ndarray, truth: np.ndarray | None, step: float) -> Score:
        """How good outputs are; `step` is the smallest they can have, 0 for floats."""
        raise NotImplementedError

    def words(self, row: np.ndarray, names: Sequence[str]) -> tuple[str, float | None]:
        """One answer in words, and its probability where that is one number."""
        raise NotImplementedError

    def true_words(self, truth: np.ndarray, names: Sequence[str]) -> str:
        """The right answer of one image in words."""
        raise NotImplementedError

    def tolerance(self, limits: dict[str, float], agreement: float) -> contract.Tolerance:
        """Limits of a self-test; `agreement` is the least share of answers alike."""
        return contract.Tolerance(**limits, top1_agreement=agreement)


@dataclass(frozen=True)
class Classes(Answers):
    """One class per image: the best score."""

    kind: contract.Kind = "probabilities"
    task: ClassVar[Task] = "classification"
    name: ClassVar[contract.Task] = "image-classification"

    def truth(self, labels: np.ndarray, n: int, outputs: int) -> np.ndarray:
        return check_labels(labels, n, outputs)

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.argmax(-1)[:, np.newaxis]

    def true_decisions(self, truth: np.ndarray) -> np.ndarray:
        return truth[:, np.newaxis]

    def agrees(self, wanted: np.ndarray, got: np.ndarray) -> np.ndarray:
        """The best class of `wanted` is the best of `got`, alone or in a tie."""
        best = np.take_along_axis(got, wanted.argmax(-1)[:, np.newaxis], -1)[:, 0]
        alike: np.ndarray = best == got.max(-1)
        return alike

    def margins(self, outputs: np.ndarray) -> np.ndarray:
        ordered = np.sort(outputs, axis=-1)
        several = outputs.shape[1] > 1
        return ordered[:, -1] - ordered[:, -2] if several else np.zeros(len(outputs))

    def score(self, outputs: np.ndarray, truth: np.ndarray | None, step: float) -> Score:
        if truth is None:
            return Score()
        found = score(outputs, truth, step)
        return Score(accuracy=found.accuracy, top5=found.top5, loss=found.loss)

    def words(self, row: np.ndarray, names: Sequence[str]) -> tuple[str, float | None]:
        chances = softmax(row) if self.kind == "logits" else row
        return names[int(row.argmax())], float(chances.max())

    def true_words(self, truth: np.ndarray, names: Sequence[str]) -> str:
        return names[int(truth)]


class Labels(Answers):
    """Any number of labels per image: those with a probability above the threshold."""

    task: ClassVar[Task] = "multi_label"
    name: ClassVar[contract.Task] = "image-multi-label"
    kind: contract.Kind = "scores"

    def __init__(self, outputs: int):
        self.thresholds = (THRESHOLD,) * outputs

    def truth(self, labels: np.ndarray, n: int, outputs: int) -> np.ndarray:
        return check_label_rows(labels, n, outputs)

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        given: np.ndarray = outputs > np.asarray(self.thresholds)
        return given

    def true_decisions(self, truth: np.ndarray) -> np.ndarray:
        return truth

    def margins(self, outputs: np.ndarray) -> np.ndarray:
        nearest: np.ndarray = np.abs(outputs - np.asarray(self.thresholds)).min(axis=1)
        return nearest

    def score(self, outputs: np.ndarray, truth: np.ndarray | None, step: float) -> Score:
        if truth is None:
            return Score()
        floor = max(step / 2, 1e-7)
        likely = np.clip(np.where(truth, outputs, 1 - outputs), floor, 1.0)
        return Score(
            accuracy=float((self.decisions(outputs) == truth).mean()),
            loss=float(-np.log(likely).mean()),
        )

    def words(self, row: np.ndarray, names: Sequence[str]) -> tuple[str, float | None]:
        return self.true_words(self.decisions(row[np.newaxis])[0], names), None

    def true_words(self, truth: np.ndarray, names: Sequence[str]) -> str:
        given = [name for name, said in zip(names, truth, strict=True) if said]
        return ", ".join(given) or "no label"

    def tolerance(self, limits: dict[str, float], agreement: float) -> contract.Tolerance:
        return contract.Tolerance(**limits, top1_agreement=None, decision_agreement=agreement)


class Quantities(Answers):
    """Numbers, each with a unit of its own.

    Args:
        outputs: What the Keras model gives for the samples [n, quantities].
    """

    task: ClassVar[Task] = "regression"
    name: ClassVar[contract.Task] = "image-regression"
    kind: contract.Kind = "quantities"

    def __init__(self, outputs: np.ndarray):
        ends = zip(outputs.min(axis=0), outputs.max(axis=0), strict=True)
        self.ranges = tuple((float(low), float(high)) for low, high in ends)
        self.units = target_units(outputs)

    def truth(self, labels: np.ndarray, n: int, outputs: int) -> np.ndarray:
        return check_quantities(labels, n, outputs)

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        return np.zeros((len(outputs), 0))

    def true_decisions(self, truth: np.ndarray) -> np.ndarray:
        return np.zeros((len(truth), 0))

    def groups(self, outputs: np.ndarray) -> np.ndarray:
        """Eight, from the smallest to the largest values of the first quantity."""
        places = outputs[:, 0].argsort(kind="stable").argsort(kind="stable")
        return places * _BINS // len(outputs)

    def margins(self, outputs: np.ndarray) -> np.ndarray:
        return np.zeros(len(outputs))

    def score(self, outputs: np.ndarray, truth: np.ndarray | None, step: float) -> Score:
        if truth is None:
            return Score()
        return Score(mae=tuple(float(error) for error in np.abs(outputs - truth).mean(axis=0)))

    def words(self, row: np.ndarray, names: Sequence[str]) -> tuple[str, float | None]:
        return self.true_words(row, names), None

    def true_words(self, truth: np.ndarray, names: Sequence[str]) -> str:
        return ", ".join(f"{name} {value:.4g}" for name, value in zip(names, truth, strict=True))

    def tolerance(self, limits: dict[str, float], agreement: float) -> contract.Tolerance:
        return contract.Tolerance(**limits, top1_agreement=None)


def answers_of(task: Task, outputs: np.ndarray) -> Answers:
    """What the Keras model's outputs [n, outputs] for the samples mean.

    Raises:
        InputError: Outputs of a multi-label classifier that are no probabilities.
    """
    if task == "classification":
        return Classes(output_kind(outputs))
    if task == "regression":
        return Quantities(outputs)
    if output_kind(outputs, strict=False) != "probabilities":
        raise InputError(
            "a bundle of the task multi_label takes models that give probabilities, in 0..1; this "
            f"one gives {outputs.min():.3g} to {outputs.max():.3g}. End it with a sigmoid."
        )
    return Labels(outputs.shape[1])
