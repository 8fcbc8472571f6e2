"""What a kernel does to each frequency."""

from dataclasses import dataclass

import numpy as np

from kerascnn.errors import InputError
from kerascnn.signal.convolution import real


@dataclass(frozen=True)
class FrequencyResponse:
    """The response of a kernel at evenly spaced frequencies, zero in the middle.

    Attributes:
        frequencies: One array per axis of the kernel, in cycles per sample, from -0.5 up to 0.5;
            `[points]` each.
        values: complex128, one axis of `points` per axis of the kernel: a convolution multiplies
            the wave of that frequency by it.
    """

    frequencies: tuple[np.ndarray, ...]
    values: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """By how much the amplitude of each frequency is multiplied: the magnitude of `values`."""
        return np.abs(self.values)


def frequency_response(kernel: np.ndarray, points: int = 128) -> FrequencyResponse:
    """Fourier transform of a kernel: H(f) = sum over m of h[m] exp(-2 pi i f m).

    A convolution multiplies the spectrum of the signal by H. Blurring kernels keep low
    frequencies, edge filters let nothing of frequency 0 pass. Tap 0 is the origin of the phase; the
    gain does not depend on it, and is the same for convolution and cross-correlation.

    Args:
        kernel: `[K]` or `[KH, KW]`, real.
        points: Frequencies along each axis, at least as many as the kernel has taps.

    Raises:
        InputError: No kernel of one or two axes, or too few points.
    """
    kernel = real("kernel", kernel)
    if kernel.ndim not in (1, 2) or not kernel.size:
        raise InputError(
            f"`kernel` must have one axis or two, and not be empty. Received: {kernel.shape}."
        )
    if points < max(kernel.shape):
        raise InputError(
            f"`points` must be at least the {max(kernel.shape)} taps of the kernel. "
            f"Received: {points}."
        )
    values = np.fft.fftshift(np.fft.fftn(kernel, [points] * kernel.ndim, range(kernel.ndim)))
    frequencies = np.fft.fftshift(np.fft.fftfreq(points))
    return FrequencyResponse((frequencies,) * kernel.ndim, values)
