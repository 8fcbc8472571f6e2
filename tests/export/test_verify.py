"""Verification passes faithful files and catches each way a file can be wrong."""

import dataclasses

import keras
import numpy as np
import pytest

from kerascnn import tasks
from kerascnn.errors import BundleError, InputError, VerificationError
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.recipes import FLOAT32, INT8, Tolerance
from kerascnn.export.runtime.verify import (
    evaluate_tflite,
    images_at_once,
    keras_outputs,
    verify_tflite,
)
from kerascnn.export.samples import synthetic_images

WIDE = Tolerance(
    max_abs=1.0, mean_abs=1.0, top1_agreement=0.0, accuracy_drop=1.0, near_tie=0.0
)  # passes everything but what always fails


def judged(wanted, got, labels=None, step=0.0, **limits):
    tolerance = dataclasses.replace(WIDE, **limits)
    labels = None if labels is None else np.asarray(labels)
    task = tasks.get("classification")
    wanted, got = ({"scores": np.asarray(values, "f4")} for values in (wanted, got))
    outputs = task.describe(wanted, [None], "the model")
    return task.compare("a.tflite", wanted, got, outputs, labels, tolerance, "samples", [step])


def failed(report):
    return [metric.name for metric in report.metrics if not metric.passed]


@pytest.fixture(scope="module")
def truth(tiny_model, tiny_images):
    """The model's own answers as labels: it is right on all of them."""
    return keras_outputs(tiny_model, tiny_images).argmax(-1)


def test_a_float_file_passes_the_strictest_limits(tiny_model, float_file, tiny_images, truth):
    report = verify_tflite(tiny_model, float_file, tiny_images, truth, FLOAT32.tolerance)
    assert report.passed
    assert (report.samples, report.source, report.changed) == (48, "samples", 0)
    assert report.reference_accuracy == report.accuracy == 1.0
    report.raise_if_failed()


def test_an_int8_file_passes_the_limits_of_its_recipe(tiny_model, int8_file, tiny_images):
    report = verify_tflite(tiny_model, int8_file, tiny_images, tolerance=INT8.tolerance)
    assert report.passed
    assert 0 < report["max_abs"].value < INT8.tolerance.max_abs


def test_labels_uncover_the_accuracy_a_careless_calibration_loses(
    tiny_model, float_file, tiny_images, truth
):
    careless = quantize(float_file.read_bytes(), "int8", tiny_images[:8] // 32)
    report = verify_tflite(tiny_model, careless, tiny_images, truth, INT8.tolerance)
    assert "accuracy_drop" in failed(report)
    assert report.accuracy < 0.9 < report.reference_accuracy


def test_an_int8_file_fails_the_limits_of_float32(tiny_model, int8_file, tiny_images):
    report = verify_tflite(tiny_model, int8_file, tiny_images, tolerance=FLOAT32.tolerance)
    with pytest.raises(VerificationError, match=r"on 48 images: max_abs 0\.\d+ \(limit <= 0.0001"):
        report.raise_if_failed()


def test_known_outputs_stand_for_the_model(tiny_model, float_file, tiny_images):
    outputs = keras_outputs(tiny_model, tiny_images)
    assert verify_tflite(outputs, float_file, tiny_images).passed


def test_without_samples_generated_images_are_used(tiny_model, float_file):
    report = verify_tflite(tiny_model, float_file.read_bytes())
    assert (report.samples, report.source, report.passed) == (10, "synthetic", True)


def test_another_models_file_fails(tiny_model, float_file, tiny_images):
    other = keras_outputs(tiny_model, tiny_images)[:, ::-1].copy()
    assert not verify_tflite(other, float_file, tiny_images, tolerance=INT8.tolerance).passed


def test_a_damaged_file_is_a_bundle_error(tiny_model, tmp_path, tiny_images):
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"TFL3 it is not")
    with pytest.raises(BundleError):
        verify_tflite(tiny_model, path, tiny_images)


def test_outputs_need_their_samples(float_file):
    with pytest.raises(InputError, match="without the samples"):
        verify_tflite(np.zeros((3, 5)), float_file)


def test_outputs_of_other_samples_are_refused(float_file, tiny_images):
    with pytest.raises(InputError, match="3 outputs were given for 48 samples"):
        verify_tflite(np.zeros((3, 5)), float_file, tiny_images)


def test_outputs_of_another_shape_are_refused(float_file, tiny_images):
    with pytest.raises(InputError, match="not the same model"):
        verify_tflite(np.zeros((48, 7)), float_file, tiny_images)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_not_finite_always_fail(value):
    report = judged([[0.4, 0.6], [0.5, 0.5]], [[0.4, value], [0.5, 0.5]])
    assert failed(report) == ["finite"]


def test_a_constant_output_always_fails():
    report = judged([[0.1, 0.9], [0.8, 0.2]], [[0.5, 0.5], [0.5, 0.5]])
    assert failed(report) == ["varies"]


def test_a_constant_output_is_fair_where_the_model_hardly_varies():
    report = judged([[0.5001, 0.4999], [0.4999, 0.5001]], [[0.5, 0.5], [0.5, 0.5]], step=1 / 256)
    assert report.passed


@pytest.mark.parametrize(
    ("limits", "name"),
    [({"max_abs": 0.19}, "max_abs"), ({"mean_abs": 0.09}, "mean_abs")],
)
def test_each_difference_has_its_limit(limits, name):
    wanted, got = [[0.1, 0.9], [0.8, 0.2]], [[0.1, 0.9], [0.6, 0.4]]
    assert failed(judged(wanted, got, **limits)) == [name]
    assert judged(wanted, got, **{name: limits[name] + 0.02}).passed


def test_limits_of_logits_grow_with_their_range():
    report = judged([[-10, 10], [30, 0]], [[-10, 10], [26, 0]], max_abs=0.1, mean_abs=0.1)
    assert report.output_range == 40
    assert report["max_abs"].limit == pytest.approx(4)
    assert report.passed


def test_the_mean_limit_shrinks_with_many_classes():
    few, many = np.full((2, 10), 0.1), np.full((2, 1000), 0.001)
    assert judged(few, few, mean_abs=0.05)["mean_abs"].limit == pytest.approx(0.05)
    assert judged(many, many, mean_abs=0.05)["mean_abs"].limit == pytest.approx(0.0005)


def test_changed_classes_lower_the_agreement():
    wanted = [[0.9, 0.1]] * 8 + [[0.1, 0.9]] * 2
    got = [[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4
    report = judged(wanted, got, top1_agreement=0.85)
    assert failed(report) == ["top1_agreement"]
    assert report.changed == 2
    assert report.agreement == pytest.approx(0.8)


def test_a_near_tie_of_the_model_is_no_change():
    wanted = [[0.52, 0.48], [0.9, 0.1]]
    got = [[0.48, 0.52], [0.9, 0.1]]
    report = judged(wanted, got, top1_agreement=1.0, near_tie=0.05)
    assert (report.changed, report.near_ties, report.passed) == (1, 1, True)
    assert failed(judged(wanted, got, top1_agreement=1.0, near_tie=0.03)) == ["top1_agreement"]


def test_one_sample_may_differ_where_the_recipe_allows_any():
    wanted = [[0.9, 0.1]] * 4 + [[0.1, 0.9]]
    got = [[0.9, 0.1]] * 3 + [[0.1, 0.9]] * 2
    assert judged(wanted, got, top1_agreement=0.95).passed
    assert failed(judged(wanted, got, top1_agreement=1.0)) == ["top1_agreement"]


def test_lost_accuracy_fails():
    wanted = np.eye(2)[[0, 1] * 50]
    got = np.eye(2)[[0, 1] * 40 + [1, 0] * 10]
    report = judged(wanted, got, labels=[0, 1] * 50, accuracy_drop=0.02)
    assert failed(report) == ["accuracy_drop"]
    assert (report.reference_accuracy, report.accuracy) == (1.0, pytest.approx(0.8))
    assert report["accuracy_drop"].limit == pytest.approx(0.02 + np.sqrt(20) / 100)


def test_gained_accuracy_passes():
    wanted, got = np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[0, 1, 0, 1]]
    assert judged(wanted, got, labels=[0, 1, 0, 1], accuracy_drop=0.0).passed


def test_an_error_tells_what_is_within_limits_too():
    report = judged([[0.1, 0.9], [0.8, 0.2]], [[0.1, 0.9], [0.6, 0.4]], max_abs=0.1)
    with pytest.raises(VerificationError, match=r"Within limits: .*mean_abs 0\.1 "):
        report.raise_if_failed()


def test_a_metric_that_was_not_measured_is_a_key_error():
    with pytest.raises(KeyError):
        judged([[0.1, 0.9]], [[0.1, 0.9]])["accuracy_drop"]


def test_evaluation_of_a_file_counts_right_answers(float_file, tiny_images, truth):
    wrong = truth.copy()
    wrong[:12] = (wrong[:12] + 1) % 5
    evaluation = evaluate_tflite(float_file, tiny_images, wrong)
    assert evaluation.accuracy == pytest.approx(36 / 48)
    assert (evaluation.n, evaluation.top5) == (48, None)


def test_generated_images_are_seeded_and_varied():
    first, second = synthetic_images((9, 7, 3)), synthetic_images((9, 7, 3))
    np.testing.assert_array_equal(first, second)
    assert (first.shape, first.dtype) == ((10, 9, 7, 3), np.uint8)
    assert len(np.unique(first.reshape(10, -1), axis=0)) == 10
    assert (first.min(), first.max()) == (0, 255)


def test_images_go_in_at_once_as_far_as_memory_does(tiny_model):
    assert images_at_once(tiny_model) == 32
    images = keras.Input((512, 512, 3))
    maps = keras.layers.Conv2D(128, 3, padding="same")(images)  # 128 MiB for one image
    assert images_at_once(keras.Model(images, maps)) == 16
    huge = keras.layers.Conv2D(4096, 3, padding="same")(images)
    assert images_at_once(keras.Model(images, huge)) == 1
    any_size = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    assert images_at_once(any_size) == 8
