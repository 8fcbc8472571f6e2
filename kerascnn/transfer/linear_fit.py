"""Linear heads at their optimum: regularised regression, its strength by cross-validation.

The loss of a linear layer with an L2 penalty is convex, so that no learning rate and no number of
epochs has to be chosen: L-BFGS finds the one optimum in a second or two (Nocedal, Wright, Numerical
Optimization, 2006, chapter 7.2). It is what linear probes are judged by (Kornblith, Shlens, Le, Do
Better ImageNet Models Transfer Better?, CVPR 2019, arXiv:1805.08974).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

Kind = Literal["softmax", "sigmoid", "squared"]

# Of the penalty, from strong to weak; each decade twice.
STRENGTHS = tuple(10.0 ** (-step / 2) for step in range(-4, 9))
# Weaker penalties are not tried after so many that were worse than the best.
_WORSE = 2
_FOLDS, _MANY = 5, 4000
_STEPS = 200
# Relative change of the loss in a step that ends the search: while strengths are compared, at last.
_ROUGH, _EXACT = 1e-5, 1e-9


@dataclass(frozen=True)
class LinearFit:
    """A linear layer at the optimum.

    Attributes:
        kernel: `[features, outputs]`, for features as they are.
        bias: `[outputs]`.
        strength: Of the penalty, strength / 2 times the squared kernel of standardised features.
        losses: Strength -> mean loss of the images that were left out, as far as it was tried.
        accuracy: Share of the images left out whose class was right, at this strength; None where
            there are no classes or no folds.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    losses: dict[float, float]
    accuracy: float | None = None


def fit_linear(
    views: Sequence[np.ndarray],
    targets: np.ndarray,
    kind: Kind,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> LinearFit:
    """The linear layer with the least mean loss and an L2 penalty on standardised features.

    The strength of the penalty is the one with the least loss on images that were left out, all
    views of an image together, in five folds, or with more than 4,000 images in one. Classes have
    their share in each fold.

    Args:
        views: Features of every image `[n, features]`, and of its views, such as the mirror image.
        targets: `[n, outputs]`: shares of the classes, labels of 0 and 1, or quantities.
        kind: What the layer gives: "softmax" (cross-entropy), "sigmoid" (binary cross-entropy of
            each output) or "squared" (half the squared error).
        weights: `[n]`, of each image in the loss.
        seed: Of the folds.
    """
    with threadpool_limits(1, "blas"):  # many small products: threads would wait for each other
        return _fitted(views, targets, kind, weights, seed)


def _fitted(
    views: Sequence[np.ndarray],
    targets: np.ndarray,
    kind: Kind,
    weights: np.ndarray | None,
    seed: int,
) -> LinearFit:
    count, times = len(targets), len(views)
    rows = np.concatenate([np.asarray(view, np.float32) for view in views])
    mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-6 * max(scale.max(), 1e-30), scale, np.inf)  # constant: no weight
    rows = ((rows - mean) / scale).astype(np.float32)
    basis, spread = _principal(rows)
    rows = rows @ basis
    targets = np.asarray(targets, np.float64)
    center, unit = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
    if kind == "squared":
        center, deviation = targets.mean(axis=0), targets.std(axis=0)
        unit = np.where(deviation > 0, deviation, 1.0)
        targets = (targets - center) / unit
    shares = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    problem = _Problem(rows, np.tile(targets, (times, 1)), np.tile(shares, times), kind, spread)
    folds = _folds(targets, kind, seed)
    tried = _tried(problem, np.tile(folds, times))
    strength = min(tried, key=lambda value: (tried[value][0], -value)) if tried else 1.0
    losses = {value: loss for value, (loss, _) in tried.items()}
    right = tried[strength][1] if tried and kind == "softmax" else None
    kernel, bias = problem.solved(strength, _EXACT)
    kernel = basis.astype(np.float64) @ kernel / scale[:, np.newaxis]
    bias = bias - mean @ kernel
    return LinearFit(kernel * unit, bias * unit + center, strength, losses, right)


def _principal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes `[features, axes]` of standardised rows, and the variance along each.

    The penalty is the same in them, and the optimum lies in the span of the rows: no more axes than
    rows are needed.
    """
    if len(rows) >= rows.shape[1]:
        squares, axes = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    else:
        squares, left = np.linalg.eigh((rows @ rows.T).astype(np.float64))
        kept = squares > 1e-7 * squares[-1]
        squares = squares[kept]
        axes = rows.T @ (left[:, kept] / np.sqrt(squares))
    return axes.astype(np.float32), np.maximum(squares, 0.0) / len(rows)


class _Problem:
    """A penalised mean loss over rows, in principal axes of the variances `spread`."""

    def __init__(
        self,
        rows: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        kind: Kind,
        spread: np.ndarray,
    ):
        self.rows, self.targets, self.weights, self.kind = rows, targets, weights, kind
        self.spread, self.shape = spread, (rows.shape[1] + 1, targets.shape[1])

    def part(self, chosen: np.ndarray) -> "_Problem":
        """The same loss over some of the rows."""
        return _Problem(
            self.rows[chosen], self.targets[chosen], self.weights[chosen], self.kind, self.spread
        )

    def solved(
        self,
        strength: float,
        tolerance: float,
        start: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Kernel and bias at the optimum."""
        # In units in which the second derivative is near 1 in each axis, few steps are needed.
        curvature = 1.0 if self.kind == "squared" else 0.25
        units = np.append(1 / np.sqrt(curvature * self.spread + strength), 1.0)[:, np.newaxis]

        def penalised(values: np.ndarray) -> tuple[float, np.ndarray]:
            loss, gradient = self._penalised(units * values.reshape(self.shape), strength)
            return loss, (units * gradient).ravel()

        first = np.zeros(self.shape) if start is None else np.vstack(start)
        options = {"maxiter": _STEPS, "gtol": 1e-7, "ftol": tolerance}
        best = minimize(
            penalised, (first / units).ravel(), method="L-BFGS-B", jac=True, options=options
        ).x
        found = units * best.reshape(self.shape)
        return found[:-1], found[-1]

    def judged(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[float, float]:
        """The mean loss without the penalty, and the share of rows with the right best output."""
        scores = self._scores(kernel, bias)
        right = scores.argmax(axis=1) == self.targets.argmax(axis=1)
        return self._loss(scores)[0], float(right.mean())

    def _scores(self, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
        return (self.rows @ kernel.astype(np.float32)).astype(np.float64) + bias

    def _penalised(self, values: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        kernel, bias = values[:-1], values[-1]
        loss, slope = self._loss(self._scores(kernel, bias))
        of_kernel = self.rows.T @ slope.astype(np.float32) + strength * kernel
        gradient = np.vstack([of_kernel, slope.sum(axis=0)])
        return loss + strength / 2 * float((kernel**2).sum()), gradient

    def _loss(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean loss, and its derivative by the scores."""
        shares = self.weights[:, np.newaxis] / max(self.weights.sum(), 1e-30)
        if self.kind == "softmax":
            each = -self.targets * log_softmax(scores, axis=1)
            slope = softmax(scores, axis=1) * self.targets.sum(axis=1, keepdims=True) - self.targets
        elif self.kind == "sigmoid":
            each = np.logaddexp(0.0, scores) - self.targets * scores
            slope = 0.5 * (1 + np.tanh(scores / 2)) - self.targets
        else:
            slope = scores - self.targets
            each = slope**2 / 2
        return float((shares * each).sum()), shares * slope


def _tried(problem: _Problem, folds: np.ndarray) -> dict[float, tuple[float, float]]:
    """Strength -> mean loss and accuracy of the rows left out, until the loss rises."""
    held_out = [fold for fold in np.unique(folds) if fold >= 0]
    pairs = [(problem.part(folds != fold), problem.part(folds == fold)) for fold in held_out]
    pairs = [
        (fitted, rest) for fitted, rest in pairs if fitted.weights.any() and rest.weights.any()
    ]
    starts: list[tuple[np.ndarray, np.ndarray] | None] = [None] * len(pairs)
    shares = [rest.weights.sum() for _, rest in pairs]
    counts = [len(rest.rows) for _, rest in pairs]
    tried: dict[float, tuple[float, float]] = {}
    for strength in STRENGTHS if pairs else ():
        found = []
        for number, (fitted, rest) in enumerate(pairs):
            starts[number] = layer = fitted.solved(strength, _ROUGH, starts[number])
            found.append(rest.judged(*layer))
        losses, right = zip(*found, strict=True)
        tried[strength] = (
            float(np.average(losses, weights=shares)),
            float(np.average(right, weights=counts)),
        )
        values = [loss for loss, _ in tried.values()]
        if len(values) - 1 - values.index(min(values)) >= _WORSE:
            break
    return tried


def _folds(targets: np.ndarray, kind: Kind, seed: int) -> np.ndarray:
    """The fold of each image, -1 for those that are in none; empty folds where images are few."""
    count = len(targets)
    order = np.random.default_rng(seed).permutation(count)
    if kind == "softmax":  # stable: classes in turn, each in random order
        order = order[np.argsort(targets[order].argmax(axis=1), kind="stable")]
    folds = np.empty(count, int)
    folds[order] = np.arange(count) % min(_FOLDS, count)
    if count < 2:
        return np.full(count, -1)
    return np.where(folds == 0, 0, -1) if count > _MANY else folds
