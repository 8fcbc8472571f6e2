"""Two sets of outputs that are no scores of classes, compared: label probabilities, quantities."""

from typing import Literal

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.comparison import Metric, Report, at_most, compare, varies
from kerascnn.export.manifest_schema import unit
from kerascnn.export.recipes import Tolerance

Task = Literal["classification", "multi_label", "regression"]
TASKS: tuple[Task, ...] = ("classification", "multi_label", "regression")
THRESHOLD = 0.5  # a label is given above it


def check_task(task: str) -> None:
    """Raises InputError unless `task` is one of TASKS."""
    if task not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, got {task!r}")


def target_units(outputs: np.ndarray) -> np.ndarray:
    """What differences of each quantity are divided by: its range in `outputs` [n, quantities]."""
    ends = zip(outputs.min(axis=0), outputs.max(axis=0), strict=True)
    return np.array([unit(float(low), float(high)) for low, high in ends])


def compare_for(
    task: Task,
    path: str,
    wanted: np.ndarray,
    got: np.ndarray,
    labels: np.ndarray | None,
    tolerance: Tolerance,
    source: Literal["samples", "synthetic"],
    step: float,
) -> Report:
    """Compares a file's outputs with the model's by what they mean; see `compare`.

    In multi-label classification the limit `top1_agreement` holds for the labels given by the model
    or the file, above 0.5: the share that both give. With labels, the accuracy is that of single
    decisions. In regression all limits are shares of the range of each target's values, and the
    target that is furthest off decides.

    Args:
        task: What the outputs are.
        path: What to call the file.
        wanted: Outputs of the Keras model [n, outputs].
        got: Outputs of the file, de-quantised, the same shape.
        labels: The truth in the form of the task, or None.
        tolerance: The limits.
        source: Whose images these are.
        step: Smallest step of the file's output, 0 for floats.
    """
    finite = np.isfinite(wanted).all() and np.isfinite(got).all()
    if task == "classification" or not finite:
        return compare(path, wanted, got, labels, tolerance, source, step)
    measure = _labels if task == "multi_label" else _values
    return measure(path, wanted, got, labels, tolerance, source, step)


def _labels(
    path: str,
    wanted: np.ndarray,
    got: np.ndarray,
    labels: np.ndarray | None,
    tolerance: Tolerance,
    source: Literal["samples", "synthetic"],
    step: float,
) -> Report:
    difference = np.abs(got - wanted)
    said, says = wanted > THRESHOLD, got > THRESHOLD
    tie = np.abs(wanted - THRESHOLD) <= max(2 * step, tolerance.near_tie)
    answers = max(1, int((said | says).sum()))
    changed, ties = int((said != says).sum()), int(((said != says) & tie).sum())
    agreement, least = 1 - (changed - ties) / answers, tolerance.top1_agreement
    if least < 1:
        least = min(least, 1 - 1 / answers)
    metrics = [
        Metric("finite", 1.0, 1.0, True),
        varies(wanted, got, step, 1.0),
        at_most("max_abs", float(difference.max()), tolerance.max_abs),
        at_most("mean_abs", float(difference.mean()), tolerance.mean_abs),
        Metric("label_agreement", agreement, least, agreement >= least - 1e-12),
    ]
    before = after = None
    if labels is not None:
        was, now = said == (labels > THRESHOLD), says == (labels > THRESHOLD)
        before, after = float(was.mean()), float(now.mean())
        noise = float(np.sqrt((was != now).sum())) / was.size  # as in `compare`
        metrics.append(at_most("accuracy_drop", before - after, tolerance.accuracy_drop + noise))
    return Report(
        path=path,
        metrics=tuple(metrics),
        samples=len(wanted),
        source=source,
        output_range=1.0,
        answers=answers,
        changed=changed,
        near_ties=ties,
        reference_accuracy=before,
        accuracy=after,
    )


def _values(
    path: str,
    wanted: np.ndarray,
    got: np.ndarray,
    labels: np.ndarray | None,
    tolerance: Tolerance,
    source: Literal["samples", "synthetic"],
    step: float,
) -> Report:
    units = target_units(wanted)
    difference = np.abs(got - wanted) / units
    metrics = (
        Metric("finite", 1.0, 1.0, True),
        varies(wanted / units, got / units, float((step / units).max()), 1.0),
        at_most("max_of_range", float(difference.max()), tolerance.max_abs),
        at_most("mean_of_range", float(difference.mean(axis=0).max()), tolerance.mean_abs),
    )
    return Report(
        path=path,
        metrics=metrics,
        samples=len(wanted),
        source=source,
        output_range=float(units.max()),
        answers=len(wanted),
        changed=0,
        near_ties=0,
        reference_accuracy=None,
        accuracy=None,
    )
