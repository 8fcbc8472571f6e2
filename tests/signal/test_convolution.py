"""Convolution and cross-correlation: the numbers of the lectures, the definitions, and SciPy."""

import numpy as np
import pytest
import scipy.signal

from kerascnn.errors import InputError
from kerascnn.signal import convolve, correlate

RNG = np.random.default_rng(0)
MODES = ["full", "same", "valid"]
# Shapes of signal and kernel: odd and even kernels, one tap, a kernel as long as the signal.
SHAPES = [
    ((9,), (3,)),
    ((9,), (4,)),
    ((8,), (1,)),
    ((5,), (5,)),
    ((7, 8), (3, 3)),
    ((6, 9), (2, 4)),
    ((5, 5), (5, 1)),
    ((95,), (3,)),  # 97 is prime: the FFT is of 100
]
# Lecture 3, "Correlación cruzada vs convolución".
IMAGE = np.array([[1.1, 1.2, 1.3], [2.1, 2.2, 2.3], [3.1, 3.2, 3.3]])
KERNEL = np.array(
    [
        [0.11893535, -0.12021737, 0.2583796],
        [-0.22761738, -0.13269596, -0.02961969],
        [0.17413345, -0.3224947, -0.02875605],
    ]
)


@pytest.mark.parametrize("method", ["direct", "fft"])
def test_the_numbers_of_the_lecture(method):
    assert correlate(IMAGE, KERNEL, method=method).item() == pytest.approx(-1.1026558, abs=2e-7)
    assert convolve(IMAGE, KERNEL, method=method).item() == pytest.approx(-0.2611365, abs=2e-7)
    # As printed by PyTorch, and with the image turned in place of the kernel.
    assert round(correlate(IMAGE, KERNEL).item(), 4) == -1.1027
    turned = np.array([[3.3, 3.2, 3.1], [2.3, 2.2, 2.1], [1.3, 1.2, 1.1]])
    assert round(correlate(turned, KERNEL, method=method).item(), 4) == -0.2611


def test_the_order_in_which_the_lecture_meets_the_taps():
    """Cross-correlation meets tap 1) first, convolution tap 9): the kernel is turned."""
    order = np.arange(1.0, 10.0).reshape(3, 3)
    for row in range(3):
        for column in range(3):
            pixel = np.zeros((3, 3))
            pixel[row, column] = 1.0
            assert correlate(pixel, order).item() == order[row, column]
            assert convolve(pixel, order).item() == 10 - order[row, column]


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("signal", "taps"), SHAPES)
def test_scipy_gives_the_same(signal, taps, mode, method):
    x, kernel = RNG.normal(size=signal), RNG.normal(size=taps)
    wanted = scipy.signal.convolve(x, kernel, mode, method="direct")
    np.testing.assert_allclose(convolve(x, kernel, mode, method), wanted, atol=1e-12)
    wanted = scipy.signal.correlate(x, kernel, mode, method="direct")
    np.testing.assert_allclose(correlate(x, kernel, mode, method), wanted, atol=1e-12)


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize(("signal", "taps"), SHAPES)
def test_circular_convolution_by_the_definition(signal, taps, method):
    x, kernel = RNG.normal(size=signal), RNG.normal(size=taps)
    convolved, correlated = np.zeros(signal), np.zeros(signal)
    for i in np.ndindex(signal):
        for m in np.ndindex(taps):
            back = tuple((a - b) % n for a, b, n in zip(i, m, signal, strict=True))
            ahead = tuple((a + b) % n for a, b, n in zip(i, m, signal, strict=True))
            convolved[i] += x[back] * kernel[m]
            correlated[i] += x[ahead] * kernel[m]
    np.testing.assert_allclose(convolve(x, kernel, "circular", method), convolved, atol=1e-12)
    np.testing.assert_allclose(correlate(x, kernel, "circular", method), correlated, atol=1e-12)


def test_sizes_of_the_lectures():
    x, kernel = np.zeros(100), np.ones(7)
    assert len(convolve(x, kernel)) == 100 - 7 + 1  # lecture 4: N - K + 1
    assert len(convolve(x, kernel, "full")) == 106
    assert convolve(np.zeros((5, 5)), np.ones((3, 3))).shape == (3, 3)
    # Lecture 4: after L layers, N - sum of K + L.
    for taps in (7, 5, 3):
        x = convolve(x, np.ones(taps))
    assert len(x) == 100 - (7 + 5 + 3) + 3


@pytest.mark.parametrize("side", [(7,), (4, 5)])
def test_only_convolution_commutes_and_associates(side):
    a, b, c = RNG.normal(size=(3, *side))
    np.testing.assert_allclose(convolve(a, b, "full"), convolve(b, a, "full"), atol=1e-12)
    assert np.abs(correlate(a, b, "full") - correlate(b, a, "full")).max() > 0.1
    # Lecture 3: (A * B) * C = A * (B * C). The longer comes first.
    left = convolve(convolve(a, b, "full"), c, "full")
    right = convolve(convolve(b, c, "full"), a, "full")
    np.testing.assert_allclose(left, right, atol=1e-12)
    left = correlate(correlate(a, b, "full"), c, "full")
    right = correlate(correlate(b, c, "full"), a, "full")
    assert np.abs(left - right).max() > 0.1


def test_even_kernels_are_placed_as_documented():
    x = RNG.normal(size=6)
    import keras

    layer = keras.layers.Conv1D(1, 4, padding="same", use_bias=False)
    layer.build((None, 6, 1))
    kernel = RNG.normal(size=4).astype("float32")
    layer.set_weights([kernel[:, None, None]])
    theirs = np.asarray(layer(x[None, :, None].astype("float32"))).ravel()
    np.testing.assert_allclose(correlate(x, kernel, "same")[1:], theirs[:-1], atol=1e-6)


def test_whole_numbers_are_convolved_exactly():
    pixels = np.full((4, 4), 255, np.uint8)
    assert convolve(pixels, np.ones((2, 2), np.uint8)).tolist() == [[1020.0] * 3] * 3


@pytest.mark.parametrize(
    ("x", "kernel", "options", "message"),
    [
        (np.ones(3), np.ones(4), {}, "`kernel` must not be empty nor longer than `x`"),
        (np.ones(3), np.ones(0), {}, "`kernel` must not be empty"),
        (np.ones((3, 3)), np.ones(3), {}, "both have one axis, or both two"),
        (np.ones((3, 3, 3)), np.ones((3, 3, 3)), {}, "both have one axis, or both two"),
        (np.ones(3), np.ones(2) * 1j, {}, "`kernel` must hold real numbers. Received: complex"),
        (np.ones(3), np.ones(2), {"mode": "half"}, "`mode` must be one of full, same, valid, circ"),
        (np.ones(3), np.ones(2), {"method": "slow"}, "`method` must be one of direct, fft"),
    ],
)
def test_what_cannot_be_convolved_is_refused(x, kernel, options, message):
    for function in (convolve, correlate):
        with pytest.raises(InputError, match=message):
            function(x, kernel, **options)
