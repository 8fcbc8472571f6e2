"""Quantised files keep the pixel scale, the io types and the answers; unfit samples are refused."""

import keras
import numpy as np
import pytest

from kerascnn.errors import ExportError, InputError
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.quantize import litert
from kerascnn.export.quantize.calibration import off_powers_of_two
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect
from kerascnn.export.samples import check_samples


@pytest.fixture(scope="module")
def float_bytes(grey_float_file):
    return grey_float_file.read_bytes()


@pytest.fixture(scope="module")
def int8(float_bytes, grey_images):
    return TFLiteModel(quantize(float_bytes, "int8", grey_images))


def test_float32_is_left_alone(float_bytes):
    assert quantize(float_bytes, "float32") is float_bytes


@pytest.mark.parametrize(
    ("recipe", "share"), [("float16", 0.56), ("dynamic_int8", 0.36), ("weight_only_int8", 0.36)]
)
def test_weight_recipes_shrink_the_file(float_bytes, recipe, share):
    assert len(quantize(float_bytes, recipe)) < share * len(float_bytes)


@pytest.mark.parametrize(
    ("recipe", "most"), [("float16", 5e-3), ("dynamic_int8", 0.1), ("weight_only_int8", 0.1)]
)
def test_weight_recipes_keep_the_answers(float_bytes, grey_images, recipe, most):
    wanted = TFLiteModel(float_bytes).predict(grey_images)
    got = TFLiteModel(quantize(float_bytes, recipe)).predict(grey_images)
    assert np.abs(got - wanted).max() < most


def test_int8_takes_pixels_as_they_are(int8):
    assert (int8.input.dtype, int8.input.scale, int8.input.zero_point) == ("uint8", 1.0, 0)


def test_int8_gives_probabilities_in_256_steps(int8):
    assert (int8.output.dtype, int8.output.scale, int8.output.zero_point) == ("uint8", 1 / 256, 0)


def test_int8_keeps_the_answers(int8, float_bytes, grey_images):
    wanted = TFLiteModel(float_bytes).predict(grey_images)
    assert np.abs(int8.predict(grey_images) - wanted).mean() < 0.02


def test_int8_computes_in_integers_throughout(float_bytes, grey_images):
    operators = inspect(quantize(float_bytes, "int8", grey_images[:4], io="int8")).operators
    assert "DEQUANTIZE" not in operators
    assert "QUANTIZE" not in operators


@pytest.mark.parametrize(
    ("recipe", "io", "scale", "zero_point"),
    [
        ("int8", "int8", 1.0, -128),
        ("int8", "float32", None, None),
        ("int16x8", "float32", None, None),
        ("int16x8", "int16", 255 / 32767, 0),
    ],
)
def test_each_io_type_has_its_pixel_scale(float_bytes, grey_images, recipe, io, scale, zero_point):
    spec = TFLiteModel(quantize(float_bytes, recipe, grey_images[:4], io=io)).input
    assert spec.dtype == io
    assert spec.scale == (None if scale is None else pytest.approx(scale, rel=1e-3))
    assert spec.zero_point == zero_point


def test_io_types_of_int8_answer_alike(float_bytes, grey_images):
    first, second = (
        TFLiteModel(quantize(float_bytes, "int8", grey_images[:8], io=io)).predict(grey_images)
        for io in ("uint8", "int8")
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("last", [None, "sigmoid"])
def test_a_single_output_around_zero_keeps_its_range(last):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    images[::2] //= 3
    inputs = keras.Input((8, 8, 1))
    values = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(1, activation=last)
    model = keras.Model(inputs, dense(values))
    mean = images.mean(axis=(1, 2))
    dense.set_weights([np.array([[0.1]]), np.array([-0.1 * mean.mean()])])
    file = TFLiteModel(quantize(convert_float(model), "int8", images))
    error = np.abs(file.predict(images) - model.predict(images, verbose=0))
    assert error.max() < (0.01 if last else 0.1)


def test_int16x8_is_closer_than_int8(int8, float_bytes, grey_images):
    wanted = TFLiteModel(float_bytes).predict(grey_images)
    fine = TFLiteModel(quantize(float_bytes, "int16x8", grey_images)).predict(grey_images)
    assert np.abs(fine - wanted).mean() < np.abs(int8.predict(grey_images) - wanted).mean()


def test_int16x8_runs_with_pixels_scaled_to_one(float_file, tiny_images):
    # 0..255 -> -1..1 gives scales that the runtime mistakes for powers of two.
    file = TFLiteModel(quantize(float_file.read_bytes(), "int16x8", tiny_images[:8]))
    wanted = TFLiteModel(float_file).predict(tiny_images)
    assert np.abs(file.predict(tiny_images) - wanted).max() < 0.1


@pytest.mark.parametrize("exponent", [-14, -15, -7])
def test_int16_scales_are_movedoff_powers_of_two(exponent):
    high = 32767 * 2.0**exponent
    low, wider = off_powers_of_two(-high / 2, high)
    assert abs(np.log2(wider / 32767) - exponent) > 1e-3
    assert wider < 1.01 * high
    assert low == pytest.approx(-wider / 2)


def test_other_int16_scales_stay(float_bytes):
    assert off_powers_of_two(-1.0, 3.0) == (-1.0, 3.0)


def test_dark_samples_do_not_narrow_the_pixel_range(float_bytes, grey_images):
    dark = quantize(float_bytes, "int8", grey_images[:8] // 4)
    assert TFLiteModel(dark).input.scale == 1.0


def test_the_same_samples_give_the_same_bytes(float_bytes, grey_images):
    first, second = (quantize(float_bytes, "int8", grey_images[:8]) for _ in range(2))
    assert first == second


def test_progress_counts_every_sample(float_bytes, grey_images):
    seen = []
    quantize(float_bytes, "int8", grey_images[:3], progress=lambda *pair: seen.append(pair))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_nothing_is_printed(float_bytes, grey_images, capsys):
    quantize(float_bytes, "int8", grey_images)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("recipe", ["int8", "int16x8"])
def test_missing_samples_are_asked_for(float_bytes, recipe):
    with pytest.raises(InputError, match=f"recipe {recipe} measures.*pass samples="):
        quantize(float_bytes, recipe)


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (
            np.zeros((4, 32, 32), np.uint8),
            r"\[n, 32, 32, 1\]. Received: .* \[4, 32, 32\]",
        ),
        (np.zeros((4, 28, 28, 1), np.uint8), r"Received: the shape \[4, 28, 28, 1\]"),
        (np.zeros((0, 32, 32, 1), np.uint8), "no image"),
        (np.full((2, 32, 32, 1), 0.7), "raw pixels 0..255.*keras.layers.Rescaling"),
        (np.full((2, 32, 32, 1), -0.5), "raw pixels 0..255"),
        (np.full((2, 32, 32, 1), 300), "raw pixels 0..255, got values from 300 to 300"),
        (np.full((2, 32, 32, 1), np.nan), "not finite"),
        (np.full((2, 32, 32, 1), "x"), "must be uint8 or float"),
    ],
)
def test_unfit_samples_are_refused(samples, told):
    with pytest.raises(InputError, match=told):
        check_samples(samples, (32, 32, 1))


def test_black_float_images_are_fine():
    assert check_samples(np.zeros((2, 4, 4, 1)), (4, 4, 1)).shape == (2, 4, 4, 1)


def test_values_that_are_not_finite_are_named(grey_images, monkeypatch, float_bytes):
    monkeypatch.setattr(
        "litert_quantizer.calibrator._ProfilerBasedCalibrator.get_model_qsvs",
        lambda self: {"logits": {"min": np.array([-1.0]), "max": np.array([np.inf])}},
    )
    with pytest.raises(ExportError, match="not finite on the samples, first in 'logits'"):
        quantize(float_bytes, "int8", grey_images[:2])


def test_a_loop_that_cannot_be_calibrated_is_named():
    inputs = keras.Input((8, 8, 1))
    rows = keras.layers.Reshape((8, 8))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GRU(2)(rows)))
    images = np.zeros((4, 8, 8, 1), np.uint8)
    with pytest.raises(ExportError, match=r"has a loop in it, .*Give the layer unroll=True"):
        quantize(convert_float(model), "int8", images)


def test_a_refusal_of_the_quantiser_suggests_gentler_recipes(float_bytes, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise ValueError("no such operator")

    monkeypatch.setattr("litert_quantizer.quantizer.Quantizer.quantize", refuse)
    with pytest.raises(ExportError, match=r"cannot quantise.*no such operator.*weight_only_int8"):
        quantize(float_bytes, "dynamic_int8")


@pytest.mark.parametrize("error", [AttributeError, KeyError, TypeError])
def test_a_mistake_of_ours_is_not_the_quantisers(float_bytes, monkeypatch, error):
    def mistaken(*_args):
        raise error("ours")

    monkeypatch.setattr(litert, "_configured", mistaken)
    with pytest.raises(error, match="ours"):
        quantize(float_bytes, "float16")


def test_what_the_quantiser_stumbles_over_is_said(float_bytes, monkeypatch):
    monkeypatch.setattr("litert_quantizer.quantizer.params_generator.ParamsGenerator", None)
    with pytest.raises(ExportError, match=r"cannot quantise this model.*not callable"):
        quantize(float_bytes, "float16")
