"""A convolutional layer and its backward pass, by hand.

A layer is a bank of filters, one from each input channel to each output channel, whose results are
added up over the inputs. Images are `[B, H, W, C]` and kernels `[KH, KW, C, F]`, as in Keras, and
what slides is cross-correlation. Goodfellow, Bengio, Courville, Deep Learning, 2016, section 9.5.
"""

from dataclasses import dataclass

import numpy as np

from kerascnn.errors import InputError
from kerascnn.signal.convolution import Method, Mode, convolve, real


@dataclass(frozen=True)
class ConvGradients:
    """Derivatives of a loss with respect to what went into a convolutional layer.

    Attributes:
        images: `[B, H, W, C]`.
        kernel: `[KH, KW, C, F]`.
        bias: `[F]`.
    """

    images: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray


def filter_bank(
    x: np.ndarray, filters: np.ndarray, mode: Mode = "valid", method: Method = "direct"
) -> np.ndarray:
    """Convolves each channel of a signal with each of its filters.

    The sum of the result over its last axis but one is a layer of true convolutions: C channels in,
    F channels out.

    Args:
        x: `[N, C]`, or `[H, W, C]`.
        filters: `[K, C, F]`, or `[KH, KW, C, F]`.
        mode: As in `convolve`.
        method: As in `convolve`.

    Returns:
        float64 `[outputs, C, F]`, or `[rows, columns, C, F]`.

    Raises:
        InputError: Shapes that do not fit.
    """
    x, filters = real("x", x), real("filters", filters)
    if x.ndim not in (2, 3) or filters.ndim != x.ndim + 1 or filters.shape[-2] != x.shape[-1]:
        raise InputError(
            "expected a signal [N, C] with filters [K, C, F], or an image [H, W, C] with filters "
            f"[KH, KW, C, F]. Received the shapes {x.shape} and {filters.shape}."
        )
    channels, count = filters.shape[-2:]
    rows = [
        np.stack([convolve(x[..., c], filters[..., c, f], mode, method) for f in range(count)], -1)
        for c in range(channels)
    ]
    return np.stack(rows, -2)


def conv2d(
    images: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> np.ndarray:
    """Applies a convolutional layer.

    Args:
        images: `[B, H, W, C]`.
        kernel: `[KH, KW, C, F]`.
        bias: `[F]`, or None for 0.
        stride: Step S.
        padding: Zeros on each side, P.
        dilation: Distance between neighbouring taps.

    Returns:
        float64 `[B, OH, OW, F]`.

    Raises:
        InputError: Shapes that do not fit, or a value out of range.
    """
    images, kernel = real("images", images), real("kernel", kernel)
    rows, columns = _positions(images.shape, kernel.shape, stride, padding, dilation)
    padded = _padded(images, padding)
    result = np.zeros((len(images), rows, columns, kernel.shape[-1]))
    for m, n in np.ndindex(kernel.shape[:2]):
        result += _under(padded, m, n, rows, columns, stride, dilation) @ kernel[m, n]
    return result if bias is None else result + real("bias", bias)


def conv2d_backward(
    gradient: np.ndarray,
    images: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> ConvGradients:
    """Carries the derivatives of a loss back through a convolutional layer.

    Every output position uses the same weights, so what each of them asks of a weight adds up; and
    a pixel collects from every window that it lies under.

    Args:
        gradient: `[B, OH, OW, F]`, with respect to the layer's output.
        images: What the layer was given, `[B, H, W, C]`.
        kernel: `[KH, KW, C, F]`.
        stride: Step S.
        padding: Zeros on each side, P.
        dilation: Distance between neighbouring taps.

    Raises:
        InputError: Shapes that do not fit, or a value out of range.
    """
    gradient, images = real("gradient", gradient), real("images", images)
    kernel = real("kernel", kernel)
    rows, columns = _positions(images.shape, kernel.shape, stride, padding, dilation)
    _check_gradient(gradient, (len(images), rows, columns, kernel.shape[-1]))
    padded = _padded(images, padding)
    to_padded, to_kernel = np.zeros_like(padded), np.zeros_like(kernel)
    for m, n in np.ndindex(kernel.shape[:2]):
        seen = _under(padded, m, n, rows, columns, stride, dilation)
        to_kernel[m, n] = np.einsum("bijc,bijf->cf", seen, gradient)
        collected = _under(to_padded, m, n, rows, columns, stride, dilation)  # a view
        collected += gradient @ kernel[m, n].T
    height, width = images.shape[1:3]
    inside = to_padded[:, padding : padding + height, padding : padding + width]
    return ConvGradients(inside, to_kernel, gradient.sum((0, 1, 2)))


def kernel_gradient_by_position(
    gradient: np.ndarray,
    images: np.ndarray,
    size: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> np.ndarray:
    """What each output position alone asks of the shared weights.

    The derivative as if every position had weights of its own. Its sum over the positions is the
    derivative of the shared kernel, `conv2d_backward(...).kernel`.

    Args:
        gradient: `[B, OH, OW, F]`, with respect to the layer's output.
        images: What the layer was given, `[B, H, W, C]`.
        size: KH and KW.
        stride: Step S.
        padding: Zeros on each side, P.
        dilation: Distance between neighbouring taps.

    Returns:
        float64 `[OH, OW, KH, KW, C, F]`: large; for small images.

    Raises:
        InputError: Shapes that do not fit, or a value out of range.
    """
    gradient, images = real("gradient", gradient), real("images", images)
    shape = (*size, images.shape[-1], gradient.shape[-1])
    rows, columns = _positions(images.shape, shape, stride, padding, dilation)
    _check_gradient(gradient, (len(images), rows, columns, shape[-1]))
    padded = _padded(images, padding)
    result = np.zeros((rows, columns, *shape))
    for m, n in np.ndindex(size):
        seen = _under(padded, m, n, rows, columns, stride, dilation)
        result[:, :, m, n] = np.einsum("bijc,bijf->ijcf", seen, gradient)
    return result


def _positions(
    images: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: int, dilation: int
) -> tuple[int, int]:
    if len(images) != 4 or len(kernel) != 4 or images[-1] != kernel[2]:
        raise InputError(
            "expected images [B, H, W, C] and a kernel [KH, KW, C, F]. Received the shapes "
            f"{images} and {kernel}."
        )
    if stride < 1 or dilation < 1 or padding < 0:
        raise InputError(
            "`stride` and `dilation` must be at least 1, `padding` at least 0. Received: "
            f"{stride}, {dilation}, {padding}."
        )
    room = [
        n + 2 * padding - dilation * (k - 1) - 1
        for n, k in zip(images[1:3], kernel[:2], strict=True)
    ]
    if min(room) < 0 or min(kernel) < 1:
        raise InputError(f"a kernel of {kernel} does not fit into images of {images}.")
    return room[0] // stride + 1, room[1] // stride + 1


def _check_gradient(gradient: np.ndarray, expected: tuple[int, ...]) -> None:
    if gradient.shape != expected:
        raise InputError(
            f"`gradient` must have the shape of the output, {expected}. Received: {gradient.shape}."
        )


def _padded(images: np.ndarray, padding: int) -> np.ndarray:
    return np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def _under(
    padded: np.ndarray, m: int, n: int, rows: int, columns: int, stride: int, dilation: int
) -> np.ndarray:
    """What lies under tap (m, n) at every position, `[B, rows, columns, C]`, as a view."""
    top, left = m * dilation, n * dilation
    return padded[
        :,
        top : top + (rows - 1) * stride + 1 : stride,
        left : left + (columns - 1) * stride + 1 : stride,
    ]
