"""Convolution as a matrix: the dense layer that a convolutional layer is a special case of."""

from typing import get_args

import numpy as np

from kerascnn.errors import InputError
from kerascnn.signal.convolution import Mode, check_choice, kept, real


def convolution_matrix(
    kernel: np.ndarray, shape: int | tuple[int, int], mode: Mode = "valid"
) -> np.ndarray:
    """The matrix T with `T @ x.ravel()` equal to `convolve(x, kernel, mode).ravel()`.

    Along one axis it is a Toeplitz matrix: constant along every diagonal, K weights in N columns
    instead of one weight per entry. Along two it is doubly blocked: a Toeplitz matrix of blocks,
    each of them the Toeplitz matrix of one row of the kernel (Goodfellow, Bengio, Courville, Deep
    Learning, 2016, section 9.1). With "circular" the matrix or its blocks are circulant. The
    transpose carries gradients back from the output to the input.

    Args:
        kernel: `[K]` or `[KH, KW]`, real.
        shape: Length N of the signal, or (H, W) of the image.
        mode: As in `convolve`.

    Returns:
        float64 `[outputs, inputs]`, dense: 8 bytes for each entry.

    Raises:
        InputError: A kernel that does not fit into `shape`, or an unknown mode.
    """
    check_choice("mode", mode, get_args(Mode))
    kernel = real("kernel", kernel)
    sides = (shape,) if isinstance(shape, int) else tuple(shape)
    if kernel.ndim not in (1, 2) or len(sides) != kernel.ndim:
        raise InputError(
            "`kernel` must have one axis and `shape` be a number, or both have two. Received: a "
            f"kernel of {kernel.shape}, shape {shape}."
        )
    if not kernel.size or any(k > n for k, n in zip(kernel.shape, sides, strict=True)):
        raise InputError(
            f"`kernel` must not be empty nor larger than `shape`. Received: a kernel of "
            f"{kernel.shape}, shape {shape}."
        )
    if kernel.ndim == 1:
        return _toeplitz(kernel, sides[0], mode)
    height, width = sides
    # Row m of the kernel acts on whole rows of the image, m rows away.
    moves = [_toeplitz(move, height, mode) for move in np.eye(len(kernel))]
    result = np.zeros(())
    for move, row in zip(moves, kernel, strict=True):
        result = result + np.kron(move, _toeplitz(row, width, mode))
    return result


def _toeplitz(kernel: np.ndarray, size: int, mode: Mode) -> np.ndarray:
    full = np.zeros((size + len(kernel) - 1, size))
    columns = np.arange(size)
    for tap, weight in enumerate(kernel):
        full[columns + tap, columns] = weight
    if mode == "circular":
        folded = full[:size].copy()
        folded[: len(kernel) - 1] += full[size:]
        return folded
    return full[kept(size, len(kernel), mode)]
