"""Pooling and its backward pass, by hand: the winner takes the gradient, or all share it."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kerascnn.errors import InputError
from kerascnn.signal.convolution import real


def max_pool2d(images: np.ndarray, size: int = 2, stride: int | None = None) -> np.ndarray:
    """The largest value under each window.

    Args:
        images: `[B, H, W, C]`.
        size: Side of the window, F.
        stride: Step S; `size` if None.

    Returns:
        float64 `[B, OH, OW, C]`, with OH = floor((H - F) / S) + 1.

    Raises:
        InputError: Not images, or a window that does not fit.
    """
    return _windows(images, size, stride or size).max((-2, -1))


def max_pool2d_backward(
    gradient: np.ndarray, images: np.ndarray, size: int = 2, stride: int | None = None
) -> np.ndarray:
    """Carries derivatives back through max pooling: to the winner of each window, 0 elsewhere.

    Of equal values the first wins, in the order of reading. A pixel that wins several overlapping
    windows collects from all of them.

    Args:
        gradient: `[B, OH, OW, C]`, with respect to the output.
        images: What was pooled, `[B, H, W, C]`.
        size: Side of the window, F.
        stride: Step S; `size` if None.

    Returns:
        float64 `[B, H, W, C]`.

    Raises:
        InputError: Shapes that do not fit.
    """
    step = stride or size
    windows = _windows(images, size, step)
    gradient = _checked_gradient(gradient, windows)
    winner = windows.reshape(*windows.shape[:4], -1).argmax(-1)
    result = np.zeros(np.shape(images))
    batch, rows, columns, channels = np.indices(gradient.shape)
    np.add.at(
        result,
        (batch, rows * step + winner // size, columns * step + winner % size, channels),
        gradient,
    )
    return result


def average_pool2d(images: np.ndarray, size: int = 2, stride: int | None = None) -> np.ndarray:
    """The mean under each window; arguments, result and errors are those of `max_pool2d`."""
    return _windows(images, size, stride or size).mean((-2, -1))


def average_pool2d_backward(
    gradient: np.ndarray, images: np.ndarray, size: int = 2, stride: int | None = None
) -> np.ndarray:
    """Carries derivatives back through average pooling: an equal share to each pixel of a window.

    Arguments, result and errors are those of `max_pool2d_backward`; of the images only the shape
    matters.
    """
    step = stride or size
    gradient = _checked_gradient(gradient, _windows(images, size, step))
    result = np.zeros(np.shape(images))
    _, rows, columns, _ = gradient.shape
    for m, n in np.ndindex(size, size):
        last = (m + (rows - 1) * step + 1, n + (columns - 1) * step + 1)
        result[:, m : last[0] : step, n : last[1] : step] += gradient / size**2
    return result


def _windows(images: np.ndarray, size: int, stride: int) -> np.ndarray:
    """`[B, OH, OW, C, F, F]`, a view."""
    images = real("images", images)
    if images.ndim != 4:
        raise InputError(f"expected images [B, H, W, C]. Received the shape {images.shape}.")
    if size < 1 or stride < 1 or size > min(images.shape[1:3]):
        raise InputError(
            "`size` and `stride` must be at least 1, and the window fit into the image. Received: "
            f"{size}, {stride} for images of {images.shape}."
        )
    return sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def _checked_gradient(gradient: np.ndarray, windows: np.ndarray) -> np.ndarray:
    gradient = real("gradient", gradient)
    if gradient.shape != windows.shape[:4]:
        raise InputError(
            f"`gradient` must have the shape of the output, {windows.shape[:4]}. Received: "
            f"{gradient.shape}."
        )
    return gradient
