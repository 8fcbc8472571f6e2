"""Clipped ranges, against sorting and against trying every range."""

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel
from kerascnn.export.quantize.clipping import _BINS, CLIPPED, check_calibration, clipped_ranges
from kerascnn.export.quantize.quantizer import quantize


def histogram(values):
    return np.histogram(values, _BINS)[0]


def test_percentile_is_that_of_the_sorted_values():
    values = np.random.default_rng(0).normal(size=200_000)
    low, high = CLIPPED["percentile"](histogram(values), values.min(), values.max())
    bin_width = np.ptp(values) / _BINS
    assert low == pytest.approx(np.quantile(values, 1e-4), abs=2 * bin_width)
    assert high == pytest.approx(np.quantile(values, 1 - 1e-4), abs=2 * bin_width)


def rounding_error(values, high):
    scale = high / 255
    return ((np.clip(np.rint(values / scale), 0, 255) * scale - values) ** 2).mean()


def test_mse_finds_the_best_range():
    values = np.random.default_rng(0).exponential(size=200_000)  # rare large values, as of a ReLU
    values[0] = 0.0
    _, high = CLIPPED["mse"](histogram(values), 0.0, values.max())
    best = min(rounding_error(values, h) for h in np.linspace(0.3, 1, 200) * values.max())
    assert high < 0.95 * values.max()
    assert rounding_error(values, high) < 1.02 * best


def test_mse_keeps_a_range_that_is_used_evenly():
    low, high = CLIPPED["mse"](np.full(_BINS, 10), -1.0, 3.0)
    assert (low, high) == pytest.approx((-1.0, 3.0), rel=0.02)


@pytest.mark.parametrize("rule", ["percentile", "mse"])
def test_ranges_of_a_file_lie_inside_what_was_seen(grey_float_file, grey_images, rule):
    content = grey_float_file.read_bytes()
    name = TFLiteModel(content).output.name
    (span,) = clipped_ranges(content, grey_images, {name: (0.0, 1.0)}, rule).values()
    assert 0 <= span[0] < span[1] <= 1


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "mse"])
def test_every_calibration_keeps_the_answers(grey_float_file, grey_images, calibration):
    content = grey_float_file.read_bytes()
    wanted = TFLiteModel(content).predict(grey_images)
    file = quantize(content, "int8", grey_images, calibration=calibration)
    assert np.abs(TFLiteModel(file).predict(grey_images) - wanted).mean() < 0.02


def test_an_unknown_calibration_is_refused():
    with pytest.raises(InputError, match=r"auto, minmax, percentile, mse\. Received: 'entropy'"):
        check_calibration("entropy")
