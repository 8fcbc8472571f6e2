"""Convolution as a matrix: equal to convolution, of the structure its name says, and SciPy's."""

import numpy as np
import pytest
import scipy.linalg

from kerascnn.errors import InputError
from kerascnn.signal import convolution_matrix, convolve

RNG = np.random.default_rng(1)
MODES = ["full", "same", "valid", "circular"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("taps", [(1,), (3,), (4,), (8,), (1, 1), (3, 3), (2, 3), (5, 4)])
def test_the_matrix_convolves(taps, mode):
    shape = (8,) if len(taps) == 1 else (6, 5)
    x, kernel = RNG.normal(size=shape), RNG.normal(size=taps)
    matrix = convolution_matrix(kernel, 8 if len(taps) == 1 else shape, mode)
    wanted = convolve(x, kernel, mode)
    assert matrix.shape == (wanted.size, x.size)
    np.testing.assert_allclose(matrix @ x.ravel(), wanted.ravel(), atol=1e-12)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_scipy_gives_the_same_matrix(mode):
    kernel = RNG.normal(size=4)
    wanted = scipy.linalg.convolution_matrix(kernel, 9, mode)
    np.testing.assert_allclose(convolution_matrix(kernel, 9, mode), wanted)


def is_toeplitz(matrix):
    return np.array_equal(matrix[1:, 1:], matrix[:-1, :-1])


@pytest.mark.parametrize("mode", MODES)
def test_it_is_toeplitz_and_in_two_dimensions_doubly_blocked(mode):
    assert is_toeplitz(convolution_matrix(RNG.normal(size=3), 7, mode))
    matrix = convolution_matrix(RNG.normal(size=(3, 2)), (6, 5), mode)
    assert not is_toeplitz(matrix)
    columns = {"full": 6, "valid": 4}.get(mode, 5)
    blocks = matrix.reshape(-1, columns, 6, 5).transpose(0, 2, 1, 3)
    assert np.array_equal(blocks[1:, 1:], blocks[:-1, :-1])  # the same block along diagonals
    assert all(is_toeplitz(block) for row in blocks for block in row)


def test_circular_convolution_is_diagonal_in_frequency():
    kernel = RNG.normal(size=3)
    matrix = convolution_matrix(kernel, 8, "circular")
    assert np.array_equal(matrix[0], np.roll(matrix[1], -1))
    waves = np.fft.fft(np.eye(8))
    diagonal = waves @ matrix @ np.linalg.inv(waves)
    np.testing.assert_allclose(diagonal, np.diag(np.fft.fft(kernel, 8)), atol=1e-12)


def test_a_layer_learns_k_weights_where_a_dense_one_learns_n_times_n():
    """Lecture 4: K weights instead of one per pair of input and output."""
    matrix = convolution_matrix(np.array([1.0, 2.0, 3.0]), 64)
    assert matrix.size == 64 * 62
    assert set(np.unique(matrix)) == {0.0, 1.0, 2.0, 3.0}
    assert np.count_nonzero(matrix) == 3 * 62


def test_the_transpose_is_the_way_back():
    """What a valid cross-correlation took from a pixel, full convolution gives back to it."""
    kernel, gradient = RNG.normal(size=(3, 3)), RNG.normal(size=(4, 4))
    matrix = convolution_matrix(np.flip(kernel), (6, 6), "valid")
    wanted = np.zeros((6, 6))
    for i, j in np.ndindex(4, 4):
        wanted[i : i + 3, j : j + 3] += gradient[i, j] * kernel
    np.testing.assert_allclose(matrix.T @ gradient.ravel(), wanted.ravel(), atol=1e-12)
    np.testing.assert_allclose(convolve(gradient, kernel, "full"), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "shape", "mode", "message"),
    [
        (np.ones(4), 3, "valid", "`kernel` must not be empty nor larger than `shape`"),
        (np.ones((2, 2)), 3, "valid", "or both have two"),
        (np.ones(2), (3, 3), "valid", "or both have two"),
        (np.ones(2), 3, "half", "`mode` must be one of"),
    ],
)
def test_what_has_no_matrix_is_refused(kernel, shape, mode, message):
    with pytest.raises(InputError, match=message):
        convolution_matrix(kernel, shape, mode)
