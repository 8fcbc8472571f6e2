"""Two sets of outputs, compared: what was measured, what was allowed, and the verdict."""

import dataclasses
from typing import Literal

import numpy as np

from kerascnn.errors import VerificationError
from kerascnn.export.recipes import Tolerance

_FEW_CLASSES = 10


@dataclasses.dataclass(frozen=True)
class Metric:
    """One measured figure and the limit it has to keep.

    Attributes:
        name: `max_abs`, `mean_abs`, `top1_agreement`, `accuracy_drop`, `finite` or `varies`;
            `label_agreement` of labels; `max_of_range` and `mean_of_range` of quantities.
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
            target in regression (whose limits are shares of each target's spread).
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
    source: Literal["samples", "synthetic"]
    output_range: float
    answers: int
    changed: int
    near_ties: int
    reference_accuracy: float | None
    accuracy: float | None

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


def compare(
    path: str,
    wanted: np.ndarray,
    got: np.ndarray,
    labels: np.ndarray | None,
    tolerance: Tolerance,
    source: Literal["samples", "synthetic"],
    step: float,
) -> Report:
    """Compares a file's outputs with the model's, figure by figure.

    Args:
        path: What to call the file.
        wanted: Outputs of the Keras model [n, ..., classes].
        got: Outputs of the file, de-quantised, the same shape.
        labels: True class of each sample, or None.
        tolerance: The limits, relative to the output range.
        source: Whose images these are.
        step: Smallest step of the file's output, 0 for floats.
    """
    n = len(wanted)
    finite = float(np.isfinite(got).all() and np.isfinite(wanted).all())
    metrics = [Metric("finite", finite, 1.0, finite == 1.0)]
    if not finite:
        return Report(
            path=path, metrics=tuple(metrics), samples=n, source=source, output_range=float("nan"),
            answers=n, changed=0, near_ties=0, reference_accuracy=None, accuracy=None,
        )  # fmt: skip
    spread = output_range(wanted)
    difference = np.abs(got - wanted)
    metrics.append(varies(wanted, got, step, spread))
    metrics.append(at_most("max_abs", float(difference.max()), tolerance.max_abs * spread))
    mean_limit = tolerance.mean_abs * spread
    if output_kind(wanted) == "probabilities":
        mean_limit *= min(1.0, _FEW_CLASSES / wanted.shape[-1])
    metrics.append(at_most("mean_abs", float(difference.mean()), mean_limit))
    changed, ties = _changed(wanted, got, max(2 * step, tolerance.near_tie * spread))
    answers = wanted[..., 0].size
    agreement = 1 - (changed - ties) / answers
    least = tolerance.top1_agreement
    if least < 1:
        least = min(least, 1 - 1 / answers)
    metrics.append(Metric("top1_agreement", agreement, least, agreement >= least - 1e-12))
    before = after = None
    if labels is not None:
        was, now = wanted.argmax(-1) == labels, got.argmax(-1) == labels
        before, after = float(was.mean()), float(now.mean())
        # Answers that turned right or wrong would move accuracy by this much if they turned by
        # chance (McNemar); with one changed answer it is one sample.
        noise = float(np.sqrt((was != now).sum())) / n
        metrics.append(at_most("accuracy_drop", before - after, tolerance.accuracy_drop + noise))
    return Report(
        path=path,
        metrics=tuple(metrics),
        samples=n,
        source=source,
        output_range=spread,
        answers=answers,
        changed=changed,
        near_ties=ties,
        reference_accuracy=before,
        accuracy=after,
    )


def at_most(name: str, value: float, limit: float) -> Metric:
    """The metric of a figure that must not exceed its limit."""
    return Metric(name, value, limit, value <= limit + 1e-12)


def varies(wanted: np.ndarray, got: np.ndarray, step: float, spread: float) -> Metric:
    """A file that says the same to every image is broken, unless the model nearly does too."""
    told = float(np.ptp(wanted, axis=0).max())
    value = float(np.ptp(got, axis=0).max())
    expected = told > max(4 * step, 1e-3 * spread)
    return Metric("varies", float(value > 0 or not expected), 1.0, value > 0 or not expected)


def _changed(wanted: np.ndarray, got: np.ndarray, tie: float) -> tuple[int, int]:
    """Returns how many best classes differ, and how many of these are ties to the model."""
    best, other = wanted.argmax(-1), got.argmax(-1)
    margin = np.take_along_axis(wanted, best[..., np.newaxis], -1) - np.take_along_axis(
        wanted, other[..., np.newaxis], -1
    )
    changed = best != other
    return int(changed.sum()), int((changed & (margin[..., 0] <= tie)).sum())


def output_kind(outputs: np.ndarray, *, strict: bool = True) -> Literal["probabilities", "logits"]:
    """Says what a model's outputs [n, classes] are, from their values.

    Probabilities lie in 0..1 and, when `strict`, sum to 1 (rounding to 8 bits breaks the sum).
    """
    inside = bool((outputs >= 0).all() and (outputs <= 1 + 1e-6).all())
    sums = bool(np.allclose(outputs.sum(-1), 1, atol=1e-3))
    return "probabilities" if inside and (sums or not strict) else "logits"


def output_range(outputs: np.ndarray) -> float:
    """The unit of relative limits: 1 for outputs in 0..1, otherwise their spread."""
    if output_kind(outputs, strict=False) == "probabilities":
        return 1.0
    return max(float(np.ptp(outputs)), 1e-6)
