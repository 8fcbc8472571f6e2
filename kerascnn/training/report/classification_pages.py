"""What a report shows of a classifier: confusions, worst answers, calibration."""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, cast

import numpy as np

from kerascnn.pages import format as page
from kerascnn.tasks.classification import ClassificationMetrics
from kerascnn.tasks.intervals import caution
from kerascnn.training.report.calibration_section import (
    WORTHWHILE,
    Calibration,
    calibrate,
    calibration_section,
)
from kerascnn.training.report.confusion_section import confusion_section
from kerascnn.training.report.data_checks import Check, class_balance
from kerascnn.training.report.history import Rows, column
from kerascnn.training.report.losses_section import losses_section
from kerascnn.training.report.pages import TaskPages, Tile, of_each_name, of_most

OVERFITTING = 0.1  # training accuracy over validation accuracy, in the last epoch
WEAK = 0.15  # recall of a class below the accuracy
MISCALIBRATED = 0.05


class ClassificationPages(TaskPages):
    """One class per image."""

    curve: ClassVar[tuple[str, str] | None] = ("accuracy", "Accuracy")

    @property
    def metrics(self) -> ClassificationMetrics:
        """The figures of the judged images."""
        return cast(ClassificationMetrics, self.outcome.metrics)

    @cached_property
    def calibration(self) -> Calibration | None:
        """None of independent scores, which do not share a sum of 1."""
        output = self.outcome.outputs[0]
        if output.kind == "independent" and not output.is_binary:
            return None
        return calibrate(self.validation, self.test)

    def tiles(self) -> list[Tile]:
        metrics, split = self.metrics, self.outcome.split
        of = f"{metrics.images:,} {split} images"
        if not self.outcome.whole:
            of = f"a sample of {of}"
        low, high = metrics.interval
        within = f"{of}; 95 % interval {page.percent(low)} to {page.percent(high)}"
        tiles = [("accuracy", page.percent(metrics.accuracy, 2), within)]
        if metrics.top5_accuracy is not None:
            top5 = page.percent(metrics.top5_accuracy, 2)
            tiles.append(("top-5 accuracy", top5, "right class in five"))
        judged = [(found.recall, name) for name, found in metrics.per_class.items() if found.images]
        recall, name = min(judged)
        tiles += [
            ("loss", f"{metrics.loss:.3f}", "mean cross-entropy"),
            ("weakest class", page.percent(recall), f"of {name} found"),
        ]
        if self.calibration is not None:
            before = page.percent(self.calibration.before)
            tiles.append(("calibration error", before, "0 % is perfect"))
        return tiles

    def checks(self) -> list[Check]:
        return [
            *_few_images(self.metrics),
            *_overfitting(self.history),
            *super().checks(),
            *_weakest(self.metrics, self.splits.class_names),
            *_confidence(self.calibration),
        ]

    def balance(self) -> list[Check]:
        return [class_balance(self.splits)]

    def samples(self) -> tuple[str, str]:
        labels = self.splits.labels("train")
        return of_each_name(self.splits, labels), of_most(self.splits, "class")

    def sections(self) -> list[str]:
        split = self.outcome.split
        calibration = self.calibration
        return [
            confusion_section(self.metrics, self.splits.class_names),
            losses_section(self),
            "" if calibration is None else calibration_section(self.model, calibration, split),
        ]

    def losses(self) -> np.ndarray:
        """(images,) cross-entropy of each, in nats."""
        scores = self.outcome.first
        of_truth = scores[np.arange(len(scores)), self.outcome.labels]
        return -np.log(np.clip(of_truth, 1e-12, 1))

    def blamed(self, rows: np.ndarray) -> np.ndarray:
        return self.outcome.first[rows].argmax(axis=1)

    def is_wrong(self, row: int) -> bool:
        return bool(self.outcome.first[row].argmax() != self.outcome.labels[row])

    def truth(self, row: int) -> tuple[str, str]:
        label = int(self.outcome.labels[row])
        likely = page.percent(float(self.outcome.first[row][label]), 0)
        return self.splits.class_names[label], likely


def _few_images(metrics: ClassificationMetrics) -> list[Check]:
    warned = caution(metrics.accuracy, metrics.images)
    return [Check(False, f"{warned} Judge by more images.")] if warned else []


def _overfitting(rows: Rows) -> list[Check]:
    training, validation = column(rows, "accuracy")[1], column(rows, "val_accuracy")[1]
    if not training or not validation or training[-1] - validation[-1] < OVERFITTING:
        return []
    return [
        Check(
            False,
            f"In the last epoch {page.percent(training[-1])} of the training images were right "
            f"but {page.percent(validation[-1])} of the validation images: the network "
            "overfits. More images, augmentation or pretrained weights help.",
        )
    ]


def _weakest(metrics: ClassificationMetrics, class_names: Sequence[str]) -> list[Check]:
    judged = [(found.recall, name) for name, found in metrics.per_class.items() if found.images]
    recall, name = min(judged)
    if recall > metrics.accuracy - WEAK:
        return []
    row = np.array(metrics.confusion[list(class_names).index(name)])
    row[list(class_names).index(name)] = 0
    taken = f"; most others are taken for {class_names[int(row.argmax())]}" if row.any() else ""
    return [Check(False, f"Only {page.percent(recall)} of {name} are found{taken}.")]


def _confidence(found: Calibration | None) -> list[Check]:
    if found is None or found.before < MISCALIBRATED or found.before - found.after < WORTHWHILE:
        return []
    return [
        Check(
            False,
            f"Probabilities are off by {page.percent(found.before)} on average; a temperature of "
            f"{found.temperature:.2f} brings that to {page.percent(found.after)}.",
        )
    ]
