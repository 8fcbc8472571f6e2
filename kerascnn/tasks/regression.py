"""Quantities: one number or several for each image, each in a unit of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.metrics import Metrics, check_shapes
from kerascnn.tasks.multi_label import by_columns
from kerascnn.tasks.outputs import Arrays, Output, quantities
from kerascnn.tasks.probabilities import Kind
from kerascnn.tasks.task import Task
from kerascnn.tasks.words import number, percent, shortened

VALUES = "values"


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
class RegressionMetrics(Metrics):
    """Of one split.

    Attributes:
        r2: Mean over the targets that have one; None if none has.
        images: How many images were judged.
        per_target: One row per target, in the order of the outputs.
    """

    r2: float | None
    images: int
    per_target: dict[str, TargetMetrics]
    title: ClassVar[str] = "mean error"

    def summary(self) -> dict[str, float | None]:
        errors = {f"mae of {name}": row.mae for name, row in self.per_target.items()}
        return {"r2": self.r2, **errors}

    def lines(self, percent: Callable[[float], str] = percent) -> list[str]:
        return [f"{name} {number(row.mae)}" for name, row in self.per_target.items()]

    def headline(self) -> str:
        figures = (
            f"{name} off by {number(row.mae)} (R² {number(row.r2)})"
            for name, row in self.per_target.items()
        )
        return f"{', '.join(figures)}, {self.images} images"

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        columns = ("target", "MAE", "RMSE", "R²", "standard deviation")
        return columns, [
            (name, *map(number, (row.mae, row.rmse, row.r2, row.std)))
            for name, row in self.per_target.items()
        ]


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
    check_shapes(outputs, values, target_names, (len(target_names),))
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


class Regression(Task):
    """Quantities, each with a unit of its own."""

    name = "regression"
    title = "Image regressor"
    nouns = ("quantity", "quantities")
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]] = {VALUES: ("quantities",)}
    truth = "The true values"
    accuracy = False
    recipes = ("float32", "float16")  # 8 bits are few for quantities of different ranges

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        return (quantities(VALUES, arrays[VALUES]),)

    def check_targets(self, targets: Any, n: int, names: int) -> np.ndarray:
        values = np.asarray(targets)
        if values.shape != (n, names) or values.dtype.kind not in "iuf":
            raise InputError(
                f"the truth of a regressor must be rows of numbers [{n}, {names}]. Received: "
                f"{list(values.shape)} of {values.dtype}."
            )
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            row, column = wrong[0]
            raise InputError(
                "the truth of a regressor holds values that are not finite numbers: the first is "
                f"{shortened(values[row, column].item())} in row {row}, column {column}."
            )
        return values.astype(np.float64)

    def check_training(self, targets: np.ndarray, names: Sequence[str]) -> str | None:
        same = np.flatnonzero(targets.min(axis=0) == targets.max(axis=0))
        if not len(same):
            return None
        return f"the target {names[same[0]]!r} is the same number for all usable training images"

    def score(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        outputs: Sequence[Output],
        names: Sequence[str],
        step: float = 0.0,
    ) -> RegressionMetrics:
        return regression_metrics(predictions[VALUES], targets, names)

    def words(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> str:
        pairs = zip(names, prediction[VALUES], strict=True)
        return "  ".join(f"{name} {number(value)}" for name, value in pairs)

    def as_json(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> dict[str, Any]:
        pairs = zip(names, prediction[VALUES], strict=True)
        return {"values": {name: float(value) for name, value in pairs}}

    def answer(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str]
    ) -> tuple[str, float | None]:
        return self.truth_in_words(prediction[VALUES], names), None

    def truth_in_words(self, target: Any, names: Sequence[str]) -> str:
        return ", ".join(f"{name} {number(v)}" for name, v in zip(names, target, strict=True))

    def right(self, arrays: Arrays, targets: np.ndarray, outputs: Sequence[Output]) -> None:
        return None

    def align(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        known: Sequence[str],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[str, ...]]:
        return by_columns(predictions, VALUES, known, names), targets, tuple(names)
