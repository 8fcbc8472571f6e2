"""Verification of multi-label classifiers and regressors: by hand, and of real files of labels."""

import keras
import numpy as np
import pytest

from kerascnn import tasks
from kerascnn.errors import InputError, VerificationError
from kerascnn.export import TFLiteModel, export_tflite
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.flatbuffer import metadata
from kerascnn.export.recipes import FLOAT32, INT8


def compared(task, wanted, got, labels=None, recipe=INT8, step=0.0):
    found = tasks.get(task)
    wanted, got = ({found.roles[0]: values} for values in (wanted, got))
    outputs = found.describe(wanted, [None], "the model")
    return found.compare(
        *("file", wanted, got, outputs, labels, recipe.tolerance, "samples", [step])
    )


def test_labels_by_hand():
    wanted = np.array([[0.9, 0.1, 0.8], [0.2, 0.7, 0.55]])
    got = np.array([[0.8, 0.1, 0.3], [0.2, 0.8, 0.45]])
    labels = np.array([[1, 0, 1], [0, 1, 0]], bool)
    report = compared("multi_label", wanted, got, labels)
    # Four labels are given by either, two by one only, of which one is a near tie.
    assert (report.answers, report.changed, report.near_ties) == (4, 2, 1)
    assert report["label_agreement"].value == pytest.approx(3 / 4)
    assert report["max_abs"].value == pytest.approx(0.5)
    assert report["mean_abs"].value == pytest.approx(0.8 / 6)
    assert report.reference_accuracy == pytest.approx(5 / 6)
    assert report.accuracy == pytest.approx(5 / 6)


def test_a_file_that_misses_rare_labels_fails():
    rng = np.random.default_rng(0)
    wanted = np.where(rng.random((100, 10)) < 0.03, 0.9, 0.05)
    got = wanted.copy()
    got[wanted > 0.5] = 0.4  # only 3 % of all decisions are wrong, but no label is found
    report = compared("multi_label", wanted, got)
    assert not report.passed
    with pytest.raises(VerificationError, match="label_agreement 0 "):
        report.raise_if_failed()
    assert compared("multi_label", wanted, wanted).passed


def test_each_target_is_compared_in_its_own_range():
    rng = np.random.default_rng(0)
    wanted = rng.random((50, 2)) * (1000, 1)
    got = wanted + rng.normal(size=(50, 2)) * (1, 0)
    assert compared("regression", wanted, got).passed
    spoilt = wanted + rng.normal(size=(50, 2)) * (0, 0.3)  # nothing beside 1000
    report = compared("regression", wanted, spoilt)
    assert not report["mean_of_range"].passed
    expected = (np.abs(spoilt - wanted) / np.ptp(wanted, axis=0)).mean(axis=0)[1]
    assert report["mean_of_range"].value == pytest.approx(expected)


def test_rounding_far_from_zero_is_no_fault():
    wanted = (2000 + np.random.default_rng(0).random((50, 1)) / 100).astype(np.float32)
    assert compared("regression", wanted, np.nextafter(wanted, 0), recipe=FLOAT32).passed


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_constant_and_broken_outputs_fail(task):
    wanted = np.random.default_rng(0).random((20, 3))
    assert not compared(task, wanted, np.full((20, 3), 0.5))["varies"].passed
    assert not compared(task, wanted, np.full((20, 3), np.nan)).passed


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def labeller():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="sigmoid"),
        ]
    )
    return model, convert_float(model)


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_multi_label_file_is_verified_and_has_labels(recipe, labeller, images, tmp_path):
    model, converted = labeller
    truth = (np.asarray(model(images.astype("float32"))) > 0.5).astype(np.float32)
    path, names = tmp_path / "model.tflite", ("sky", "sea", "dog")
    result = export_tflite(
        model, path, recipe, images, truth,
        task="multi_label", class_names=names, float_model=converted,
    )  # fmt: skip
    assert result.report.reference_accuracy == 1
    assert result.report["label_agreement"].passed
    assert metadata.read(path).labels == names
    expected = np.asarray(model(images.astype("float32")))
    assert np.abs(TFLiteModel(path).predict(images) - expected).mean() < 0.02


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        ("ranking", {}, "task must be one of"),
        ("classification", {"labels": np.zeros((40, 3))}, r"are for export_tflite\(..., task="),
        ("multi_label", {"labels": np.zeros(40, int)}, r"rows \[40, 3\] of 0 and 1"),
        ("multi_label", {"labels": np.full((40, 3), 0.5)}, r"rows \[40, 3\] of 0 and 1"),
        ("regression", {"labels": np.zeros((40, 3))}, "verified by its outputs alone"),
        ("regression", {"class_names": ("a", "b", "c")}, "class_names are for classifiers"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(
    task, arguments, message, labeller, images, tmp_path
):
    with pytest.raises(InputError, match=message):
        export_tflite(
            labeller[0], tmp_path / "model.tflite", samples=images, task=task, **arguments
        )
    assert list(tmp_path.iterdir()) == []
