"""Two sets of outputs, compared: what was measured, what was allowed, and the verdict."""

import dataclasses
from typing import Literal

import numpy as np

from kerascnn.errors import InputError, VerificationError
from kerascnn.tasks.outputs import Output, quantities
from kerascnn.tasks.words import percent

Source = Literal["samples", "synthetic"]
_FEW_CLASSES = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far a file may be from the Keras model it was made from.

    The differences are shares of the output range: 1 for probabilities, the spread between the
    smallest and the largest output for logits, and of quantities the range of each. They are
    compared on de-quantised outputs.

    Attributes:
        max_abs: Largest difference of any single output.
        mean_abs: Mean difference over all outputs of all samples, for up to ten classes; with
            more it shrinks in proportion where outputs are probabilities, which share a sum of 1.
        top1_agreement: Least share of samples whose best class is the same; of labels, of those
            given by the model or the file.
        accuracy_drop: Most accuracy lost where labels are given; 0.01 is one point. The noise of
            the measurement (one standard deviation of it) is allowed on top.
        near_tie: A changed best class still counts as the same when the Keras model rates the
            two classes within this of each other: such a sample has no answer to keep.
    """

    max_abs: float
    mean_abs: float
    top1_agreement: float
    accuracy_drop: float
    near_tie: float

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value >= 0:  # NaN too
                raise InputError(f"tolerance {field.name} must be 0 or more. Received: {value}.")
        if self.top1_agreement > 1:
            raise InputError(
                f"tolerance top1_agreement is a share of 1. Received: {self.top1_agreement}."
            )


@dataclasses.dataclass(frozen=True)
class Metric:
    """One measured figure and the limit it has to keep.

    Attributes:
        name: `max_abs`, `mean_abs`, `top1_agreement`, `accuracy_drop`, `finite` or `varies`;
            `label_agreement` of labels; `max_of_range` and `mean_of_range` of quantities;
            `object_agreement`, `boxes.mean_pixels` and `map_drop` of objects. Of a
            model with several outputs the role stands before it: `count.max_of_range`.
        value: What was measured.
        limit: What is allowed.
        passed: Whether `value` is within `limit`.
    """

    name: str
    value: float
    limit: float
    passed: bool

    def __str__(self) -> str:
        sign = ">=" if self.name.endswith(("agreement", "finite", "varies")) else "<="
        return f"{self.name} {self.value:.4g} (limit {sign} {self.limit:.4g})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """How a file compares with its Keras model.

    Attributes:
        path: The file.
        metrics: Every figure with its limit, in the outputs' own unit.
        samples: Number of images compared.
        source: `samples` for the caller's images, `synthetic` for generated ones.
        output_range: What the relative limits of the tolerance were multiplied by: 1 for
            probabilities, the spread of the Keras outputs for logits, the largest spread of a
            target in regression (whose limits are shares of each target's spread). That of the
            first output where there are several.
        answers: Number of best classes compared: one per sample for a classifier; of labels given
            by the model or the file.
        changed: How many of them differ.
        near_ties: How many of these the Keras model itself holds for a tie; they do not count.
        reference_accuracy: Accuracy of the Keras model on the samples; None without labels.
        accuracy: Accuracy of the file on the samples; None without labels.
    """

    path: str
    metrics: tuple[Metric, ...]
    samples: int
    source: Source
    output_range: float
    answers: int
    changed: int
    near_ties: int
    reference_accuracy: float | None
    accuracy: float | None

    def __str__(self) -> str:
        images = "images" if self.source == "samples" else "generated images"
        failed = [metric for metric in self.metrics if not metric.passed]
        told = f"fails {failed[0]}" if failed else "verified"
        figures = f", accuracy {percent(self.accuracy)}" if self.accuracy is not None else ""
        if self.reference_accuracy is not None:
            figures += f" (Keras model {percent(self.reference_accuracy)})"
        same = f", {percent(self.agreement)} same answers" if self.answers else ""
        return f"{told} on {self.samples} {images}{same}{figures}"

    @property
    def agreement(self) -> float:
        """Share of answers with the same best class, near ties not forgiven."""
        return 1 - self.changed / self.answers

    @property
    def limits(self) -> dict[str, float]:
        """The limits in the outputs' own unit, by metric: what a device has to keep."""
        return {metric.name: metric.limit for metric in self.metrics}

    @property
    def passed(self) -> bool:
        """Whether every figure keeps its limit."""
        return all(metric.passed for metric in self.metrics)

    def __getitem__(self, name: str) -> Metric:
        """The metric called `name`; KeyError when it was not measured."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def raise_if_failed(self) -> None:
        """Raises VerificationError with every figure, the failed ones first."""
        if self.passed:
            return
        failed = "; ".join(str(metric) for metric in self.metrics if not metric.passed)
        kept = "; ".join(str(metric) for metric in self.metrics if metric.passed)
        raise VerificationError(
            f"{self.path} does not answer like the Keras model on {self.samples} "
            f"{'images' if self.source == 'samples' else 'generated images'}: {failed}."
            + (f" Within limits: {kept}." if kept else "")
        )


@dataclasses.dataclass(frozen=True)
class Compared:
    """What one output of a file gives against the model's.

    Attributes:
        metrics: Its figures, without the role.
        output_range, answers, changed, near_ties: As in `Report`.
    """

    metrics: tuple[Metric, ...]
    output_range: float
    answers: int
    changed: int = 0
    near_ties: int = 0


def compare_output(
    output: Output, wanted: np.ndarray, got: np.ndarray, tolerance: Tolerance, step: float
) -> Compared:
    """Compares an output of finite numbers by what it is.

    Classes are compared by the best one, labels by those given, above their thresholds, by the
    model or the file. Quantities are compared in shares of the range of each, and the one that is
    furthest off decides.

    Args:
        output: What the numbers are.
        wanted: Those of the Keras model [n, ...].
        got: Those of the file, de-quantised, the same shape.
        tolerance: The limits, relative to the output range.
        step: Smallest step of the file's output, 0 for floats.
    """
    if not output.decides:
        return _quantities(wanted, got, tolerance, step)
    if output.thresholds is not None:
        return _labels(output, wanted, got, tolerance, step)
    return _classes(output, wanted, got, tolerance, step)


def output_range(output: Output, wanted: np.ndarray) -> float:
    """The unit of relative limits: 1 for probabilities and quantities, the spread of logits."""
    return max(float(np.ptp(wanted)), 1e-6) if output.kind == "logits" else 1.0


def at_most(name: str, value: float, limit: float) -> Metric:
    """The metric of a figure that must not exceed its limit."""
    return Metric(name, value, limit, value <= limit + 1e-12)


def accuracy_drop(was: np.ndarray, now: np.ndarray, tolerance: Tolerance) -> Metric:
    """The metric of lost accuracy, from which decisions of the model and the file are right.

    Decisions that turned right or wrong would move accuracy by the square root of their number if
    they turned by chance (McNemar); with one changed answer it is one sample.
    """
    noise = float(np.sqrt((was != now).sum())) / was.size
    lost = float(was.mean()) - float(now.mean())
    return at_most("accuracy_drop", lost, tolerance.accuracy_drop + noise)


def _classes(
    output: Output, wanted: np.ndarray, got: np.ndarray, tolerance: Tolerance, step: float
) -> Compared:
    spread = output_range(output, wanted)
    mean_limit = tolerance.mean_abs * spread
    if output.kind == "probabilities":
        mean_limit *= min(1.0, _FEW_CLASSES / wanted.shape[-1])
    differences = _differences(wanted, got, step, spread, tolerance.max_abs * spread, mean_limit)
    said, says = (output.predictions(values) for values in (wanted, got))
    if not output.is_binary:  # which of two classes comes first is the same before the softmax
        said, says = wanted, got
    changed, ties = _changed(said, says, max(2 * step, tolerance.near_tie * spread))
    answers = said[..., 0].size
    same = agreement("top1_agreement", answers, changed - ties, tolerance.top1_agreement)
    return Compared((*differences, same), spread, answers, changed, ties)


def _labels(
    output: Output, wanted: np.ndarray, got: np.ndarray, tolerance: Tolerance, step: float
) -> Compared:
    said, says = (output.predictions(values) for values in (wanted, got))
    limits = np.asarray(output.thresholds)
    differences = _differences(said, says, step, 1.0, tolerance.max_abs, tolerance.mean_abs)
    tie = np.abs(said - limits) <= max(2 * step, tolerance.near_tie)
    differs = (said > limits) != (says > limits)
    answers = max(1, int(((said > limits) | (says > limits)).sum()))
    changed, ties = int(differs.sum()), int((differs & tie).sum())
    same = agreement("label_agreement", answers, changed - ties, tolerance.top1_agreement)
    return Compared((*differences, same), 1.0, answers, changed, ties)


def _quantities(wanted: np.ndarray, got: np.ndarray, tolerance: Tolerance, step: float) -> Compared:
    units = quantities("values", wanted).units
    difference = np.abs(got - wanted) / units
    metrics = (
        varies(wanted / units, got / units, float((step / units).max()), 1.0),
        at_most("max_of_range", float(difference.max()), tolerance.max_abs),
        at_most("mean_of_range", float(difference.mean(axis=0).max()), tolerance.mean_abs),
    )
    return Compared(metrics, float(units.max()), len(wanted))


def _differences(
    wanted: np.ndarray,
    got: np.ndarray,
    step: float,
    spread: float,
    largest: float,
    mean: float,
) -> tuple[Metric, ...]:
    difference = np.abs(got - wanted)
    return (
        varies(wanted, got, step, spread),
        at_most("max_abs", float(difference.max()), largest),
        at_most("mean_abs", float(difference.mean()), mean),
    )


def varies(wanted: np.ndarray, got: np.ndarray, step: float, spread: float) -> Metric:
    """A file that says the same to every image is broken, unless the model nearly does too."""
    expected = float(np.ptp(wanted, axis=0).max()) > max(4 * step, 1e-3 * spread)
    passed = float(np.ptp(got, axis=0).max()) > 0 or not expected
    return Metric("varies", float(passed), 1.0, passed)


def agreement(name: str, answers: int, changed: int, least: float) -> Metric:
    """Of few answers one may always differ, where the limit allows any to."""
    share = 1 - changed / answers
    if least < 1:
        least = min(least, 1 - 1 / answers)
    return Metric(name, share, least, share >= least - 1e-12)


def _changed(wanted: np.ndarray, got: np.ndarray, tie: float) -> tuple[int, int]:
    """Returns how many best classes differ, and how many of these are ties to the model."""
    best, other = wanted.argmax(-1), got.argmax(-1)
    margin = np.take_along_axis(wanted, best[..., np.newaxis], -1) - np.take_along_axis(
        wanted, other[..., np.newaxis], -1
    )
    changed = best != other
    return int(changed.sum()), int((changed & (margin[..., 0] <= tie)).sum())
