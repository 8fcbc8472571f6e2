"""recipe="auto" takes the first file that keeps the accuracy, and says why."""

import logging

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel, export_tflite
from kerascnn.export.automatic import choose_recipe
from kerascnn.export.quantize.quantizer import quantize


@pytest.fixture(scope="module")
def labels(hard_file, grey_images):
    return TFLiteModel(hard_file.read_bytes()).predict(grey_images).argmax(-1)


def test_int8_is_taken_where_it_keeps_the_answers(grey_float_file, grey_images):
    (trial,) = choose_recipe(grey_float_file.read_bytes(), grey_images, None, 0.01)
    assert (trial.recipe, trial.float_layers, trial.kept) == ("int8", (), True)


def test_the_hard_layer_stays_in_float(hard_model, hard_file, grey_images, labels, tmp_path):
    result = export_tflite(
        hard_model,
        tmp_path / "auto.tflite",
        "auto",
        grey_images,
        labels,
        accuracy_drop=0.05,
        float_model=hard_file.read_bytes(),
    )
    first, second = result.trials
    assert (first.recipe, first.float_layers, first.kept) == ("int8", (), False)
    assert (second.recipe, second.float_layers, second.kept) == ("int8", ("hard",), True)
    assert result.recipe == "int8"
    assert result.input.dtype == "uint8"
    answers = TFLiteModel(result.path).predict(grey_images).argmax(-1)
    assert np.mean(answers == labels) >= 0.95


def test_each_file_and_the_reason_is_logged(hard_file, grey_images, labels, caplog):
    with caplog.at_level(logging.INFO, "kerascnn"):
        choose_recipe(hard_file.read_bytes(), grey_images, labels, 0.05)
    told = [record.message for record in caplog.records if "recipe auto" in record.message]
    assert "drops too much" in told[0]
    assert "int8 with hard in float" in told[-1]
    assert "taken" in told[-1]


def test_float_recipes_follow_where_no_layer_helps(hard_file, grey_images, labels, monkeypatch):
    ruined = quantize(hard_file.read_bytes(), "int8", grey_images)

    def only_float(content, recipe, *args, **kwargs):
        return content if recipe.name == "float32" else ruined

    monkeypatch.setattr("kerascnn.export.automatic.quantize", only_float)
    trials = choose_recipe(hard_file.read_bytes(), grey_images, labels, 0.0)
    names = [trial.recipe for trial in trials]
    assert names == ["int8", "int8", "weight_only_int8", "float16", "float32"]
    assert [trial.kept for trial in trials] == [False] * 4 + [True]


def test_it_is_judged_on_the_images_that_are_given(hard_file, hard_model, grey_images, tmp_path):
    """With the labels that int8 gives, int8 loses nothing; on the samples it would lose much."""
    int8 = TFLiteModel(quantize(hard_file.read_bytes(), "int8", grey_images))
    others = grey_images[::-1][:20]
    content, answers = hard_file.read_bytes(), int8.predict(others).argmax(-1)
    given, *_ = choose_recipe(content, grey_images, None, 1.0, evaluation=(others, answers))
    own, *_ = choose_recipe(content, grey_images, None, 1.0)
    assert given.recipe == own.recipe == "int8"
    assert given.drop == 0.0 < own.drop
    with pytest.raises(InputError, match=r"goes with recipe .auto"):
        export_tflite(
            hard_model, tmp_path / "x.tflite", "int8", grey_images, evaluation=(others, None)
        )


def test_samples_are_asked_for(grey_float_file):
    with pytest.raises(InputError, match="pass samples="):
        choose_recipe(grey_float_file.read_bytes(), None, None, 0.01)


def test_other_tasks_are_refused(grey_model, grey_images, tmp_path):
    with pytest.raises(InputError, match="measures classifiers"):
        export_tflite(grey_model, tmp_path / "x.tflite", "auto", grey_images, task="regression")
