"""The images that `report.html` shows, with the answers that the model and the files gave."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kerascnn.export.bundle.measure import Images, Meaning
from kerascnn.export.bundle.report.values import spread, stratified
from kerascnn.tasks import Arrays

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
    images: Images, outputs: Mapping[str, Arrays], meaning: Meaning
) -> tuple[Picture, ...]:
    """Up to 12 images that show the files at work: mistakes first, then all answers in turn.

    Args:
        images: The evaluation images, with their targets where known.
        outputs: Outputs by who gave them, the Keras model first.
        meaning: What the outputs mean.
    """
    task, labels = meaning.task, images.labels
    first = next(iter(outputs.values()))
    right: dict[str, np.ndarray | None] = dict.fromkeys(outputs)
    if labels is not None:
        right = {by: task.right(found, labels, meaning.outputs) for by, found in outputs.items()}
    # Without a right and a wrong, what differs from the Keras model comes first.
    fine = [
        task.agrees(first, outputs[by], meaning.outputs) if found is None else found.all(axis=1)
        for by, found in right.items()
    ]
    all_fine: np.ndarray = np.logical_and.reduce(fine)
    chosen = [int(i) for i in spread(np.flatnonzero(~all_fine), _PICTURES // 3)]
    for i in stratified(_kinds(first, labels, meaning)):
        if len(chosen) == _PICTURES:
            break
        if i not in chosen and all_fine[i]:
            chosen.append(i)
    predictions = {by: task.predictions(found, meaning.outputs) for by, found in outputs.items()}

    def answer(by: str, i: int) -> Answer:
        row = {role: values[i] for role, values in predictions[by].items()}
        label, probability = task.answer(row, meaning.outputs, meaning.names)
        judged = right[by]
        correct = None if judged is None else bool(judged[i].all())
        return Answer(by=by, label=label, probability=probability, right=correct)

    return tuple(
        Picture(
            pixels=images.pixels[i],
            truth=None if labels is None else task.truth_in_words(labels[i], meaning.names),
            answers=tuple(answer(by, i) for by in outputs),
        )
        for i in chosen
    )


def _kinds(first: Arrays, labels: np.ndarray | None, meaning: Meaning) -> np.ndarray:
    """A number for each kind of answer that is true; where that is not known, that is given."""
    strata = None if labels is None else meaning.task.strata(labels)
    if strata is None:
        return meaning.task.groups(first, meaning.outputs)
    _, numbers = np.unique(strata, axis=0, return_inverse=True)
    return numbers.reshape(len(strata))
