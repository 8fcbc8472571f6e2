"""Convolution and cross-correlation of signals and images, by their definitions and by the FFT.

With x the signal and h the kernel, both along one axis or both along two:

    convolution        y[i] = sum over m of x[i - m] h[m]
    cross-correlation  y[i] = sum over m of x[i + m] h[m]

A convolution is a cross-correlation with the kernel turned by half a turn. What networks call
convolution is the second of them.
"""

from typing import Literal, get_args

import numpy as np

from kerascnn.errors import InputError

Mode = Literal["full", "same", "valid", "circular"]
Method = Literal["direct", "fft"]


def convolve(
    x: np.ndarray, kernel: np.ndarray, mode: Mode = "valid", method: Method = "direct"
) -> np.ndarray:
    """Convolves a signal or an image with a kernel.

    Modes "full", "same" and "valid" are those of `scipy.signal.convolve`.

    Args:
        x: `[N]` or `[H, W]`, real; zero outside.
        kernel: `[K]` or `[KH, KW]`, as many axes as `x`, and no longer than `x` along any of them.
        mode: "full" gives every position where kernel and signal meet, N + K - 1; "valid" those
            where the kernel lies inside, N - K + 1; "same" the middle N of "full". "circular"
            repeats the signal instead of zeros, y[i] = sum of x[(i - m) mod N] h[m], N positions.
        method: "direct" adds up one shifted signal per tap, O(K N) operations; "fft" multiplies
            spectra, O(N log N). The results are equal but for rounding.

    Returns:
        float64, with the axes of `x`.

    Raises:
        InputError: Shapes that do not fit, complex or no numbers, an unknown mode or method.
    """
    x, kernel = _checked(x, kernel, mode, method)
    if mode == "circular":
        return _circular_fft(x, kernel) if method == "fft" else _circular(x, kernel)
    full = _full_fft(x, kernel) if method == "fft" else _full(x, kernel)
    return full[tuple(kept(n, k, mode) for n, k in zip(x.shape, kernel.shape, strict=True))]


def correlate(
    x: np.ndarray, kernel: np.ndarray, mode: Mode = "valid", method: Method = "direct"
) -> np.ndarray:
    """Cross-correlates a signal or an image with a kernel: what a convolutional layer does.

    Arguments, result and errors are those of `convolve`. Along an axis of even kernel size, "same"
    starts one position before `padding="same"` of Keras does; at odd sizes they agree.
    """
    x, kernel = _checked(x, kernel, mode, method)
    result = convolve(x, np.flip(kernel), mode, method)
    if mode == "circular":  # turning the kernel has moved it by its length less one
        return np.roll(result, [1 - k for k in kernel.shape], axis=range(x.ndim))
    return result


def kept(size: int, taps: int, mode: Mode) -> slice:
    """The positions of the full convolution of `size` values and `taps` taps that a mode keeps."""
    if mode == "valid":
        return slice(taps - 1, size)
    if mode == "same":
        return slice((taps - 1) // 2, (taps - 1) // 2 + size)
    return slice(0, size + taps - 1)


def _checked(
    x: np.ndarray, kernel: np.ndarray, mode: Mode, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    check_choice("mode", mode, get_args(Mode))
    check_choice("method", method, get_args(Method))
    x, kernel = real("x", x), real("kernel", kernel)
    if x.ndim not in (1, 2) or kernel.ndim != x.ndim:
        raise InputError(
            "`x` and `kernel` must both have one axis, or both two. Received the shapes "
            f"{x.shape} and {kernel.shape}."
        )
    if not kernel.size or any(k > n for k, n in zip(kernel.shape, x.shape, strict=True)):
        raise InputError(
            f"`kernel` must not be empty nor longer than `x`. Received the shapes {kernel.shape} "
            f"and {x.shape}."
        )
    return x, kernel


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuses a value that is not among the choices."""
    if value not in choices:
        raise InputError(f"`{name}` must be one of {', '.join(choices)}. Received: {value!r}.")


def real(name: str, values: np.ndarray) -> np.ndarray:
    """The values as float64, or an error where they are no real numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"`{name}` must hold real numbers. Received: {array.dtype}.")
    return array.astype(np.float64)


def _full(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    result = np.zeros([n + k - 1 for n, k in zip(x.shape, kernel.shape, strict=True)])
    weighted = np.empty_like(x)  # one buffer for all taps
    for tap, weight in np.ndenumerate(kernel):
        shifted = tuple(slice(m, m + n) for m, n in zip(tap, x.shape, strict=True))
        result[shifted] += np.multiply(x, weight, out=weighted)
    return result


def _full_fft(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """With so many zeros behind the signal that nothing meets its own repetition."""
    shape = [n + k - 1 for n, k in zip(x.shape, kernel.shape, strict=True)]
    padded = _product_of_spectra(x, kernel, [_fast_size(n) for n in shape])
    return padded[tuple(slice(n) for n in shape)]


def _fast_size(size: int) -> int:
    """The smallest number from `size` on without prime factors above 5: a fast FFT's length."""
    fast = size
    while True:
        rest = fast
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return fast
        fast += 1


def _circular(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    result = np.zeros_like(x)
    for tap, weight in np.ndenumerate(kernel):
        result += weight * np.roll(x, tap, axis=range(x.ndim))
    return result


def _circular_fft(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return _product_of_spectra(x, kernel, list(x.shape))


def _product_of_spectra(x: np.ndarray, kernel: np.ndarray, shape: list[int]) -> np.ndarray:
    axes = tuple(range(x.ndim))
    spectrum = np.fft.rfftn(x, shape, axes) * np.fft.rfftn(kernel, shape, axes)
    return np.fft.irfftn(spectrum, shape, axes)
