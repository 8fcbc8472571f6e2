"""Frequency responses against closed forms and against waves that are really filtered."""

import numpy as np
import pytest

from kerascnn import signal
from kerascnn.errors import InputError


def test_a_moving_average_is_the_dirichlet_kernel():
    response = signal.frequency_response(np.full(5, 0.2), 256)
    (f,) = response.frequencies
    with np.errstate(invalid="ignore"):
        wanted = np.where(f == 0, 1.0, np.sin(5 * np.pi * f) / (5 * np.sin(np.pi * f)))
    np.testing.assert_allclose(response.gain, np.abs(wanted), atol=1e-12)
    assert (f[0], f[128], response.values.dtype) == (-0.5, 0.0, np.complex128)


@pytest.mark.parametrize("index", [0, 3, 17, 31])
def test_a_wave_comes_out_multiplied_by_the_response(index):
    kernel = np.random.default_rng(2).normal(size=6)
    response = signal.frequency_response(kernel, 64)
    wave = np.exp(2j * np.pi * response.frequencies[0][index] * np.arange(64))
    filtered = signal.convolve(wave.real, kernel, "circular") + 1j * signal.convolve(
        wave.imag, kernel, "circular"
    )
    np.testing.assert_allclose(filtered, response.values[index] * wave, atol=1e-10)


def test_two_axes_are_the_product_for_a_separable_kernel():
    row, column = np.array([1.0, 2.0, 1.0]), np.array([1.0, 0.0, -1.0])
    both = signal.frequency_response(np.outer(row, column), 32).values
    one = [signal.frequency_response(part, 32).values for part in (row, column)]
    np.testing.assert_allclose(both, np.outer(*one), atol=1e-12)


def test_blurs_keep_low_frequencies_and_edge_filters_let_no_even_ground_pass():
    blurred = signal.frequency_response(signal.gaussian(1.0), 64).gain
    assert blurred[32, 32] == pytest.approx(1.0)
    assert np.all(np.diff(blurred[32, 32:]) < 0)
    # A continuous bell exp(-x^2 / 2) passes exp(-2 pi^2 f^2); sampled and cut off, almost.
    assert blurred[32, 48] == pytest.approx(np.exp(-2 * np.pi**2 * 0.25**2), abs=0.005)
    for kernel in (signal.sobel(), signal.laplacian(), signal.edge(), signal.scharr()):
        assert signal.frequency_response(kernel, 64).gain[32, 32] == pytest.approx(0, abs=1e-12)


def test_a_gabor_kernel_answers_most_to_its_own_wave():
    kernel = signal.gabor(wavelength=8, theta=np.pi / 6)
    response = signal.frequency_response(kernel, 128)
    y, x = np.unravel_index(response.gain.argmax(), (128, 128))
    at = np.abs([response.frequencies[0][y], response.frequencies[1][x]])
    np.testing.assert_allclose(at, [np.sin(np.pi / 6) / 8, np.cos(np.pi / 6) / 8], atol=0.01)


@pytest.mark.parametrize(
    ("kernel", "points", "message"),
    [
        (np.ones(9), 8, "`points` must be at least the 9 taps"),
        (np.ones((2, 2, 2)), 8, "`kernel` must have one axis or two"),
        (np.ones(0), 8, "not be empty"),
    ],
)
def test_what_has_no_response_is_refused(kernel, points, message):
    with pytest.raises(InputError, match=message):
        signal.frequency_response(kernel, points)
