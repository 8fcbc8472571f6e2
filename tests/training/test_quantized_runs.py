"""Runs with quantisation-aware epochs: what they leave, resumption, and what is exported."""

import json

import keras
import numpy as np
import pytest

from kerascnn.cli.export import model_path
from kerascnn.errors import InputError
from kerascnn.export import evaluate_tflite, export_tflite
from kerascnn.inference import open_predictors
from kerascnn.quantization import has_fake_quantization
from kerascnn.serialization import load_model
from kerascnn.training import open_run, train


class Interrupt(keras.callbacks.Callback):
    """Stops everything before one of all epochs."""

    def __init__(self, epoch):
        super().__init__()
        self.left = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def rounded(tmp_path_factory):
    """A run of 2 and 2 epochs, interrupted before the last one."""
    folder = tmp_path_factory.mktemp("rounded") / "run"
    with pytest.raises(KeyboardInterrupt):
        train("digits", "LeNet5", folder, epochs=2, quantize_aware=2, callbacks=[Interrupt(3)])
    assert not (folder / "model.keras").exists()
    with pytest.raises(InputError, match="has 2 quantisation-aware epochs, not 5"):
        train(None, out=folder, resume=True, quantize_aware=5)
    return train(None, out=folder, resume=True)


def test_the_run_keeps_both_models(rounded):
    run = open_run(rounded.folder)
    assert run.config.quantize_aware == 2
    assert not has_fake_quantization(run.load_model())
    assert has_fake_quantization(load_model(run.quantize_aware_path))
    assert sorted(path.name for path in run.quantize_aware_path.parent.iterdir()) == [
        *("history.csv", "metrics.json", "model.keras")
    ]
    assert not (rounded.folder / "backup").exists()


def test_every_epoch_is_there_once_and_the_learning_rate_went_on_falling(rounded):
    run = open_run(rounded.folder)
    assert [row["epoch"] for row in run.history()] == [1, 2]
    path = run.quantize_aware_path.parent / "history.csv"
    rows = np.genfromtxt(path, delimiter=",", names=True)
    assert list(rows["epoch"]) == [1, 2]
    first = run.config.training.learning_rate / 20
    np.testing.assert_allclose(rows["learning_rate"], [first / 2, 0], atol=first * 1e-3)


def test_the_figures_are_those_of_the_files(rounded, tmp_path):
    run = open_run(rounded.folder)
    splits = run.data()
    images, labels = splits.arrays("test")
    samples, _ = splits.sample("train", 500, seed=0)
    aware = load_model(run.quantize_aware_path, compile=False)
    found = rounded.eight_bits
    assert found.split == "test"
    assert found.float32.accuracy == rounded.metrics["test"].accuracy
    export_tflite(aware, tmp_path / "aware.tflite", "int8", samples, verify=False)
    of_file = evaluate_tflite(tmp_path / "aware.tflite", images, labels)
    assert of_file.accuracy == found.aware.accuracy > 0.85
    assert abs(found.after_training.accuracy - found.float32.accuracy) < 0.02
    kept = json.loads((run.quantize_aware_path.parent / "metrics.json").read_text())
    assert kept["int8_quantize_aware"]["accuracy"] == found.aware.accuracy
    report = (rounded.folder / "report.html").read_text(encoding="utf-8")
    assert "In 8 bits" in report
    assert f"{100 * found.aware.accuracy:.2f}" in report


def test_int8_is_exported_from_the_quantisation_aware_model(rounded, capsys):
    predictor, run = open_predictors(str(rounded.folder))[0], open_run(rounded.folder)
    for recipes in (["float32", "int8"], ["auto"]):
        assert model_path(predictor, recipes) == run.quantize_aware_path
        assert "exporting the quantisation-aware model" in capsys.readouterr().err
    assert model_path(predictor, ["float32", "dynamic_int8"]) == run.model_path
    assert model_path(predictor, ["int8"], clusters=16) == run.model_path
    assert "exporting the float model" in capsys.readouterr().err


def test_epochs_below_zero_are_refused(tmp_path):
    with pytest.raises(InputError, match="`quantize_aware` must be 0 epochs or more"):
        train("digits", "LeNet5", tmp_path / "run", quantize_aware=-1)
