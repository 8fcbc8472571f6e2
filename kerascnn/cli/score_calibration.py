"""`--calibrate-scores`: a temperature from validation images, folded into the model."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli import console

if TYPE_CHECKING:
    import keras

    from kerascnn.data import Splits

option = click.option(
    "--calibrate-scores",
    is_flag=True,
    help="Fold a temperature into the last layer, so that 80 % means right 8 times in 10; it is "
    "fitted on the validation images, and left out where it does not help.",
)


def calibrated(model: "keras.Model", splits: "Splits") -> "keras.Model":
    """The model with the temperature of its validation images, if that helps; says what it gains.

    Raises:
        InputError: No classifier with one class per image, or no softmax at its end.
    """
    from kerascnn.errors import InputError
    from kerascnn.training.report.calibration_section import calibrate
    from kerascnn.training.report.outcome import judge
    from kerascnn.training.temperature import apply_temperature, score_weights

    if splits.task != "classification":  # the only task with one probability to calibrate
        raise InputError(
            f"--calibrate-scores is for one class per image; the task of this data: {splits.task}."
        )
    score_weights(model)  # what cannot be calibrated is refused before it is measured
    with console.err.status("calibrating the scores"):
        validation = judge(model, splits, "validation")
        test = judge(model, splits, "test") if splits.test is not None else None
        found = calibrate(validation, test)
    told = (
        f"temperature {found.temperature:.3f}: calibration error {console.percent(found.before)} "
        f"-> {console.percent(found.after)} of {found.images:,} images, {found.fitted_on}"
    )
    if found.after >= found.before:
        console.note(f"{told}. That is no better: the scores stay as they are")
        return model
    console.note(told)
    return apply_temperature(model, found.temperature)
