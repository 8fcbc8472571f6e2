"""What stands out in the outcome of a training: fit, weak classes, confidence."""

from collections.abc import Sequence

import numpy as np

from kerascnn.pages import format as page
from kerascnn.training.report.calibration_section import WORTHWHILE, Calibration
from kerascnn.training.report.data_checks import Check
from kerascnn.training.report.history import Rows, column
from kerascnn.training.report.outcome import Outcome

OVERFITTING = 0.1  # training accuracy over validation accuracy, in the last epoch
WEAK = 0.15  # recall of a class below the accuracy
MISCALIBRATED = 0.05


def outcome_checks(
    outcome: Outcome, calibration: Calibration, rows: Rows, class_names: Sequence[str]
) -> list[Check]:
    """Only what asks for something; nothing if all is well."""
    return [
        *_fit(rows),
        *_weakest(outcome, class_names),
        *_confidence(calibration),
    ]


def _fit(rows: Rows) -> list[Check]:
    training, validation = column(rows, "accuracy")[1], column(rows, "val_accuracy")[1]
    checks = []
    if training and validation and training[-1] - validation[-1] >= OVERFITTING:
        checks.append(
            Check(
                False,
                f"In the last epoch {page.percent(training[-1])} of the training images were right "
                f"but {page.percent(validation[-1])} of the validation images: the network "
                "overfits. More images, augmentation or pretrained weights help.",
            )
        )
    epochs, losses = column(rows, "val_loss")
    if len(losses) > 1 and losses[-1] == min(losses) and losses[-1] < 0.98 * losses[-2]:
        checks.append(
            Check(
                False,
                f"The validation loss was still falling in the last epoch, {epochs[-1]:g}: more "
                "epochs may help.",
            )
        )
    return checks


def _weakest(outcome: Outcome, class_names: Sequence[str]) -> list[Check]:
    metrics = outcome.metrics
    judged = [(found.recall, name) for name, found in metrics.per_class.items() if found.images]
    recall, name = min(judged)
    if recall > metrics.accuracy - WEAK:
        return []
    row = np.array(metrics.confusion[list(class_names).index(name)])
    row[list(class_names).index(name)] = 0
    taken = f"; most others are taken for {class_names[int(row.argmax())]}" if row.any() else ""
    return [Check(False, f"Only {page.percent(recall)} of {name} are found{taken}.")]


def _confidence(found: Calibration) -> list[Check]:
    if found.before < MISCALIBRATED or found.before - found.after < WORTHWHILE:
        return []
    return [
        Check(
            False,
            f"Probabilities are off by {page.percent(found.before)} on average; a temperature of "
            f"{found.temperature:.2f} brings that to {page.percent(found.after)}.",
        )
    ]
