"""One array that a model gives for each image: its role, its shape, and what its numbers are."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.probabilities import Kind, kind_of, sigmoid, softmax

Arrays = Mapping[str, np.ndarray]
"""Outputs of a model by their roles, `[n, ...]` each."""

_log = logging.getLogger(__name__)
_FEWEST = 0.01  # of the values of a quantity far from zero: the least unit of its differences


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output of a model, as the manifest of a bundle holds it.

    Attributes:
        role: What it is in its task, such as "scores" or "values"; no two outputs share one.
        shape: Of its array for one image: (1, ...).
        kind: "probabilities" of classes, which sum to 1 over the last axis; "logits", whose softmax
            (with thresholds: sigmoid) these are; "independent" probabilities, each in 0..1 whatever
            the others; or "quantities", each in its own unit.
        thresholds: Of labels, one number in 0..1 for each: a label is given above its own.
        ranges: Of quantities, the (smallest, largest) value of each that the Keras model gave.
    """

    role: str
    shape: tuple[int, ...]
    kind: Kind
    thresholds: tuple[float, ...] | None = None
    ranges: tuple[tuple[float, float], ...] | None = None

    @property
    def is_binary(self) -> bool:
        """Whether one number stands for two classes: that of the second, its rest the first."""
        single = self.kind == "independent" and self.shape[-1] == 1
        return single and self.thresholds is None

    @property
    def names(self) -> int:
        """How many classes, labels or quantities its last axis holds."""
        return 2 if self.is_binary else self.shape[-1]

    @property
    def decides(self) -> bool:
        """Whether it chooses classes or labels; quantities choose nothing."""
        return self.kind != "quantities"

    def predictions(self, values: np.ndarray) -> np.ndarray:
        """Probabilities or quantities [n, ...] of the model's values [n, ...]."""
        if self.is_binary:
            return np.concatenate([1 - values, values], axis=-1)
        if self.kind == "logits":
            return sigmoid(values) if self.thresholds else softmax(values)
        return values

    def decisions(self, values: np.ndarray) -> np.ndarray:
        """What is chosen [n, choices]: the numbers of the best classes, or which labels are given.

        Quantities choose nothing, [n, 0].
        """
        if not self.decides:
            return np.zeros((len(values), 0))
        predictions = self.predictions(values)
        if self.thresholds is not None:
            return predictions.reshape(len(values), -1) > self._limits(predictions)
        return predictions.argmax(axis=-1).reshape(len(values), -1)

    def agrees(self, wanted: np.ndarray, got: np.ndarray) -> np.ndarray:
        """Which rows of `got` choose what `wanted` chooses [n]; a tie of the best classes does."""
        if not self.decides or self.thresholds is not None:
            same: np.ndarray = (self.decisions(wanted) == self.decisions(got)).all(axis=1)
            return same
        best = self.predictions(wanted).argmax(axis=-1)[..., np.newaxis]
        found = self.predictions(got)
        tie = np.take_along_axis(found, best, axis=-1)[..., 0] == found.max(axis=-1)
        return tie.reshape(len(wanted), -1).all(axis=1)

    def margins(self, values: np.ndarray) -> np.ndarray:
        """How far each row is from another choice [n]; infinite for quantities."""
        if not self.decides:
            return np.full(len(values), np.inf)
        predictions = self.predictions(values)
        if self.thresholds is not None:
            rows = predictions.reshape(len(values), -1)
            nearest: np.ndarray = np.abs(rows - self._limits(predictions)).min(axis=1)
            return nearest
        ordered = np.sort(predictions if self.is_binary else values, axis=-1)
        if ordered.shape[-1] < 2:
            return np.zeros(len(values))
        gaps = ordered[..., -1] - ordered[..., -2]
        return gaps.reshape(len(values), -1).min(axis=1)

    def groups(self, values: np.ndarray) -> np.ndarray:
        """A number for each kind of answer [n], to choose images of all kinds.

        Of quantities there are eight, from the smallest to the largest values of the first one.
        """
        if not self.decides:
            places = values.reshape(len(values), -1)[:, 0].argsort(kind="stable")
            return places.argsort(kind="stable") * 8 // len(values)
        _, numbers = np.unique(self.decisions(values), axis=0, return_inverse=True)
        return numbers.reshape(len(values))

    @property
    def units(self) -> np.ndarray:
        """What differences are divided by before they are compared: of quantities, their ranges."""
        if self.ranges is None:
            return np.ones(1)
        return np.array([unit(low, high) for low, high in self.ranges])

    def _limits(self, predictions: np.ndarray) -> np.ndarray:
        limits = np.broadcast_to(np.asarray(self.thresholds), predictions.shape[1:])
        return limits.reshape(-1)


def with_threshold(outputs: Sequence[Output], threshold: float, source: str) -> tuple[Output, ...]:
    """Outputs whose labels or objects are given from another score on.

    Raises:
        InputError: It is not in 0..1, or none of the outputs has one; `source` is what gives them.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"a threshold must be in 0..1. Received: {threshold}.")
    if not any(output.thresholds for output in outputs):
        raise InputError(
            f"a threshold is for labels and objects; {source} gives {outputs[0].kind} without one."
        )
    return tuple(
        replace(output, thresholds=(threshold,) * len(output.thresholds))
        if output.thresholds
        else output
        for output in outputs
    )


def unit(low: float, high: float) -> float:
    """What differences of a quantity with this range are divided by before they are compared.

    Far from zero float32 itself is coarser than a narrow range: a hundredth of the values is the
    least.
    """
    return max(high - low, _FEWEST * max(abs(low), abs(high)), 1e-6)


def quantities(role: str, values: np.ndarray) -> Output:
    """An output of quantities [n, ..., quantities], whose ranges are those of `values`."""
    rows = values.reshape(-1, values.shape[-1])
    ends = zip(rows.min(axis=0), rows.max(axis=0), strict=True)
    return Output(
        role=role,
        shape=(1, *values.shape[1:]),
        kind="quantities",
        ranges=tuple((float(low), float(high)) for low, high in ends),
    )


def settle(kind: Kind | None, values: np.ndarray, source: str) -> Kind:
    """The kind that a last layer says, or that of all values, which a log message then tells."""
    if kind is not None:
        return kind
    found = kind_of(values)
    words = {
        "probabilities": "probabilities",
        "independent": "independent probabilities, as sigmoids give",
        "logits": "logits",
    }
    _log.info(
        "%s: the last layer does not say what the outputs are; by their values on %d images they "
        "are taken for %s.",
        *(source, len(values), words[found]),
    )
    return found
