"""Pictures as numbers that can be climbed freely: any values make pixels within their range."""

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks import sigmoid

# Brightness, red against blue, green against both: the colours of photos vary along these axes
# nearly independently (Ruderman, Cronin, Chiao, JOSA A 15, 1998), brightness by far the most.
AXES = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3], [2], [6]])
DEVIATIONS = np.array([1.0, 0.3, 0.15])


class PictureParameters:
    """Free values, the pictures they make, and the derivative with respect to them.

    Pixels are a sigmoid of the values, stretched to the range. With "frequency" the values are
    amplitudes of cosine waves (an orthonormal transform, so its transpose is its inverse), each
    multiplied by its wavelength as the spectra of photos fall off, along decorrelated colour axes.
    Olah et al. take the Fourier transform, whose waves go round the border.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        kind: str,
        value_range: tuple[float, float],
        generator: np.random.Generator,
    ) -> None:
        if kind not in ("frequency", "pixels"):
            raise InputError(f'`parametrization` is "frequency" or "pixels". Received: {kind!r}.')
        self.frequencies = kind == "frequency"
        self.low, self.width = value_range[0], value_range[1] - value_range[0]
        _, height, width, self.channels = shape
        rows, columns = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
        frequency = np.hypot(rows[:, None], columns)  # cycles per pixel
        frequency[0, 0] = min(frequency[0, 1:].min(initial=0.5), frequency[1:, 0].min(initial=0.5))
        self.scale = (1 / frequency)[None, :, :, None]
        # Pixels of about this deviation before the sigmoid, whatever the size.
        self.scale = self.scale / np.sqrt(np.mean(self.scale**2))
        start = 0.3 if self.frequencies else 0.01
        self.values = (start * generator.normal(size=shape)).astype(np.float32)

    def pictures(self) -> np.ndarray:
        """float32 `[U, H, W, C]` in the range."""
        return (self.low + self.width * self._sigmoid()).astype(np.float32)

    def gradient(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative with respect to the values, of that with respect to the pixels."""
        share = self._sigmoid()
        slopes = slopes * self.width * share * (1 - share)
        if self.frequencies:
            slopes = self._colors(slopes, forward=False)
            slopes = self.scale * _cosine(slopes)
        return slopes.astype(np.float32)

    def _sigmoid(self) -> np.ndarray:
        values = self.values
        if self.frequencies:
            values = self._colors(_inverse_cosine(self.scale * values), forward=True)
        return sigmoid(values)

    def _colors(self, values: np.ndarray, forward: bool) -> np.ndarray:
        if self.channels != 3:
            return values
        mix = DEVIATIONS[:, None] * AXES
        return values @ (mix if forward else mix.T)


def _cosine(values: np.ndarray) -> np.ndarray:
    from scipy.fft import dctn

    return dctn(values, axes=(1, 2), norm="ortho")


def _inverse_cosine(values: np.ndarray) -> np.ndarray:
    from scipy.fft import idctn

    return idctn(values, axes=(1, 2), norm="ortho")
