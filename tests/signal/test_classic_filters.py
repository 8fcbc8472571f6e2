"""Classic filters: the example of the lectures, SciPy's filters, and a real photo."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from sklearn.datasets import load_sample_image

from kerascnn import signal
from kerascnn.errors import InputError


@pytest.fixture(scope="module")
def photo():
    """A temple and the sky, 427x640, every third pixel."""
    return load_sample_image("china.jpg")[::3, ::3]


def test_the_vertical_edge_of_the_lecture():
    """Lecture 3: dark left, bright right, [1, 0, -1] in three rows."""
    image = np.tile([0.0] * 6 + [1.0] * 5, (8, 1))
    assert signal.edge().tolist() == [[1, 0, -1]] * 3
    found = signal.correlate(image, signal.edge())
    assert found.tolist() == [[0, 0, 0, 0, -3, -3, 0, 0, 0]] * 6
    assert np.array_equal(signal.correlate(image.T, signal.edge("horizontal")), found.T)
    assert not signal.correlate(image, signal.edge("horizontal")).any()
    assert np.array_equal(signal.convolve(image, signal.edge()), -found)  # turned, it changes sign


BOUNDARIES = [
    ("reflect", "mirror"),
    ("edge", "nearest"),
    ("wrap", "grid-wrap"),
    ("constant", "constant"),
]


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize(("ours", "theirs"), BOUNDARIES)
def test_a_photo_is_filtered_as_scipy_does(photo, ours, theirs, method):
    kernel = np.random.default_rng(0).normal(size=(5, 3))
    found = signal.filter_image(photo, kernel, ours, method)
    assert found.shape == photo.shape
    wanted = scipy.ndimage.correlate(photo.astype(float), kernel[:, :, None], mode=theirs)
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_named_filters_are_those_of_scipy(photo):
    gray = photo.mean(-1)
    pairs = [
        (-signal.sobel(), scipy.ndimage.sobel(gray, 1, mode="mirror")),
        (-signal.sobel("horizontal"), scipy.ndimage.sobel(gray, 0, mode="mirror")),
        (-signal.edge(), scipy.ndimage.prewitt(gray, 1, mode="mirror")),
        (signal.laplacian(), scipy.ndimage.laplace(gray, mode="mirror")),
        (signal.box_blur(5), scipy.ndimage.uniform_filter(gray, 5, mode="mirror")),
        (
            signal.gaussian(1.5, 13),
            scipy.ndimage.gaussian_filter(gray, 1.5, mode="mirror", truncate=4.0),
        ),
        (
            signal.laplacian_of_gaussian(2.0, 25),
            scipy.ndimage.gaussian_laplace(gray, 2.0, mode="mirror", truncate=6.0),
        ),
    ]
    for kernel, wanted in pairs:
        np.testing.assert_allclose(signal.filter_image(gray, kernel), wanted, atol=0.01)


def test_what_filters_do_to_a_photo(photo):
    def roughness(image):
        return np.abs(np.diff(image.astype(float), axis=1)).mean()

    blurred = signal.filter_image(photo, signal.gaussian(2.0))
    assert roughness(blurred) < 0.6 * roughness(photo)
    assert blurred.mean() == pytest.approx(photo.mean(), rel=0.01)
    assert roughness(signal.filter_image(photo, signal.sharpen())) > 1.5 * roughness(photo)
    assert np.array_equal(signal.filter_image(photo, signal.identity(5)), photo)
    sky, roof = np.s_[5:25, 150:200], np.s_[80:110, 60:140]
    edges = np.abs(signal.filter_image(photo.mean(-1), signal.sobel()))
    assert edges[roof].mean() > 5 * edges[sky].mean()


def test_sums_say_what_happens_to_even_ground():
    for kernel in (signal.gaussian(0.8), signal.box_blur(4), signal.sharpen(2), signal.emboss()):
        assert kernel.sum() == pytest.approx(1)
    bright = (signal.sobel(), signal.scharr(), signal.laplacian(True), signal.edge("horizontal"))
    for kernel in (*bright, signal.laplacian_of_gaussian(1.2)):
        assert kernel.sum() == pytest.approx(0, abs=1e-12)
    assert signal.laplacian().tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert signal.laplacian(True)[1, 1] == -8
    assert signal.sharpen().tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def test_a_gabor_kernel_is_its_formula():
    kernel = signal.gabor(6.0, theta=0.7, phase=0.4, sigma=2.5, aspect=0.5, size=9)
    x, y = 2, -3
    u = x * np.cos(0.7) + y * np.sin(0.7)
    v = -x * np.sin(0.7) + y * np.cos(0.7)
    wanted = np.exp(-(u**2 + 0.25 * v**2) / 12.5) * np.cos(2 * np.pi * u / 6 + 0.4)
    assert kernel[4 + y, 4 + x] == pytest.approx(wanted)
    # Even under phase 0, odd under a quarter.
    assert np.allclose(signal.gabor(6.0), np.flip(signal.gabor(6.0)))
    odd = signal.gabor(6.0, phase=np.pi / 2)
    assert np.allclose(odd, -np.flip(odd))


def test_a_bank_tells_the_direction_of_stripes():
    bank = signal.gabor_bank(8.0, orientations=6)
    assert bank.shape[0] == 6
    rows, columns = np.mgrid[:48, :48]
    for chosen in range(6):
        angle = np.pi * chosen / 6
        stripes = np.cos(2 * np.pi * (columns * np.cos(angle) + rows * np.sin(angle)) / 8)
        energy = [np.square(signal.correlate(stripes, kernel)).mean() for kernel in bank]
        assert int(np.argmax(energy)) == chosen


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: signal.identity(4), "`size` must be odd"),
        (lambda: signal.gaussian(0), "`sigma` must be more than 0"),
        (lambda: signal.gaussian(1.0, 4), "`size` must be odd"),
        (lambda: signal.box_blur(0), "`size` must be at least 1"),
        (lambda: signal.sobel("diagonal"), "`direction` must be one of vertical, horizontal"),
        (lambda: signal.gabor(1.0), "`wavelength` must be at least 2"),
        (lambda: signal.gabor(4.0, aspect=0), "`aspect` must be more than 0"),
        (lambda: signal.gabor_bank(4.0, 0), "`orientations` must be at least 1"),
        (lambda: signal.filter_image(np.ones(4), signal.sobel()), "expected an image"),
        (lambda: signal.filter_image(np.ones((2, 9)), signal.sobel()), "larger than the image"),
        (
            lambda: signal.filter_image(np.ones((9, 9)), signal.sobel(), "mirror"),
            "`boundary` must be one of reflect",
        ),
    ],
)
def test_impossible_filters_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
