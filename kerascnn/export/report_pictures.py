"""The images that `report.html` shows, with the answers that the model and the files gave."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kerascnn.export.answers import Answers
from kerascnn.export.report import spread, stratified

_PICTURES = 12


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One model's answer to one picture; `probability` is that of a class, its share of 1.

    `right` is None where the truth is not known, and of quantities, which are never quite right.
    """

    by: str
    label: str
    probability: float | None
    right: bool | None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An evaluation image with the answers it got; `truth` is None where it has no label."""

    pixels: np.ndarray
    truth: str | None
    answers: tuple[Answer, ...]


def pictures(
    images: np.ndarray,
    labels: np.ndarray | None,
    class_names: tuple[str, ...],
    outputs: Mapping[str, np.ndarray],
    answers: Answers,
) -> tuple[Picture, ...]:
    """Up to 12 images that show the files at work: mistakes first, then all answers in turn.

    Args:
        images: Evaluation images [n, height, width, channels].
        labels: The truth of each in the form of the task, or None.
        class_names: Names of the outputs.
        outputs: Outputs [n, outputs] by who gave them, the Keras model first.
        answers: What the outputs mean.
    """
    said = {by: answers.decisions(values) for by, values in outputs.items()}
    first = next(iter(outputs.values()))
    wanted = next(iter(said.values())) if labels is None else answers.true_decisions(labels)
    right: dict[str, np.ndarray] = {
        by: np.all(found == wanted, axis=1) for by, found in said.items()
    }
    all_right: np.ndarray = np.logical_and.reduce(list(right.values()))
    chosen = [int(i) for i in spread(np.flatnonzero(~all_right), _PICTURES // 3)]
    for i in stratified(_kinds(wanted, first, answers)):
        if len(chosen) == _PICTURES:
            break
        if i not in chosen and all_right[i]:
            chosen.append(i)
    judged = labels is not None and wanted.shape[1] > 0

    def answer(by: str, i: int) -> Answer:
        label, probability = answers.words(outputs[by][i], class_names)
        correct = bool(right[by][i]) if judged else None
        return Answer(by=by, label=label, probability=probability, right=correct)

    return tuple(
        Picture(
            pixels=images[i],
            truth=None if labels is None else answers.true_words(labels[i], class_names),
            answers=tuple(answer(by, i) for by in outputs),
        )
        for i in chosen
    )


def _kinds(wanted: np.ndarray, outputs: np.ndarray, answers: Answers) -> np.ndarray:
    """A number for each kind of answer that is wanted; of quantities, that are given."""
    if not wanted.shape[1]:
        return answers.groups(outputs)
    _, numbers = np.unique(wanted, axis=0, return_inverse=True)
    return numbers.reshape(len(wanted))
