"""`kerascnn export --calibrate-scores`: probabilities of the file mean what they say."""

import pytest

from kerascnn.cli.score_calibration import calibrated
from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel
from kerascnn.training import expected_calibration_error, open_run


def test_the_calibration_error_falls_on_images_that_had_no_part_in_it(call, run, tmp_path):
    out = tmp_path / "calibrated.tflite"
    code, _, notes = call(
        *("export", run, "--recipes", "float32", "--out", out, "--calibrate-scores")
    )
    assert code == 0
    assert "temperature 0." in notes  # trained with label smoothing, hence not sure enough
    images, labels = open_run(run).data().arrays("test")
    model = open_run(run).load_model()
    before = model.predict_on_batch(images)
    after = TFLiteModel(out).predict(images)
    assert (after.argmax(1) == before.argmax(1)).all()
    errors = [expected_calibration_error(found, labels) for found in (before, after)]
    assert errors[1] < errors[0] / 2
    assert f"{100 * errors[0]:.2f} % -> {100 * errors[1]:.2f} %" in " ".join(notes.split())


def test_quantities_have_no_temperature(run):
    splits = open_run(run).data()
    object.__setattr__(splits, "task", "regression")
    with pytest.raises(InputError, match="is for one class per image; the task of this data: reg"):
        calibrated(open_run(run).load_model(), splits)
