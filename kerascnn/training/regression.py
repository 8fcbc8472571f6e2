"""How close a regressor came, computed from its outputs and the true quantities."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kerascnn.errors import InputError


@dataclass(frozen=True)
class TargetMetrics:
    """Of one target, in its own unit.

    Attributes:
        mae: Mean absolute error.
        rmse: Square root of the mean squared error.
        r2: Share of the variance explained: 1 is perfect, 0 is no better than the mean; None if
            all images have the same value.
        mean: Mean of the true values.
        std: Their standard deviation: the RMSE of guessing the mean.
    """

    mae: float
    rmse: float
    r2: float | None
    mean: float
    std: float


@dataclass(frozen=True)
class RegressionMetrics:
    """Of one split.

    Attributes:
        r2: Mean over the targets that have one; None if none has.
        images: How many images were judged.
        per_target: One row per target, in the order of the outputs.
    """

    r2: float | None
    images: int
    per_target: dict[str, TargetMetrics]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def regression_metrics(
    outputs: np.ndarray, values: np.ndarray, target_names: Sequence[str]
) -> RegressionMetrics:
    """Computes the metrics of a regressor.

    Args:
        outputs: (images, targets), in the targets' units.
        values: (images, targets), the truth.
        target_names: One name per target.

    Raises:
        InputError: Shapes that do not fit together, or no image at all.
    """
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    outputs, values = np.asarray(outputs, np.float64), np.asarray(values, np.float64)
    if outputs.shape != values.shape or values.shape[1:] != (len(target_names),) or not len(values):
        raise InputError(
            f"outputs and values must have the shape (images, {len(target_names)}), with at least "
            f"one image. Received: {outputs.shape} and {values.shape}."
        )
    mae, rmse = (
        measure(values, outputs, multioutput="raw_values")
        for measure in (mean_absolute_error, root_mean_squared_error)
    )
    means, stds = values.mean(axis=0), values.std(axis=0)
    r2 = [
        float(r2_score(values[:, i], outputs[:, i])) if stds[i] > 0 else None
        for i in range(len(target_names))
    ]
    known = [value for value in r2 if value is not None]
    return RegressionMetrics(
        r2=float(np.mean(known)) if known else None,
        images=len(values),
        per_target={
            name: TargetMetrics(
                float(mae[i]), float(rmse[i]), r2[i], float(means[i]), float(stds[i])
            )
            for i, name in enumerate(target_names)
        },
    )
