"""Classic filters: small kernels that were designed, not learned, and photos under them.

The kernels are written as a layer holds them, for cross-correlation: a positive entry adds the
pixel that lies under it. Gonzalez and Woods, Digital Image Processing, 4th edition, 2018, chapter 3
(smoothing, sharpening) and section 10.2 (edges), describe them all but Gabor's.
"""

from typing import Literal, get_args

import numpy as np

from kerascnn.errors import InputError
from kerascnn.signal.convolution import Method, check_choice, correlate, real

Boundary = Literal["reflect", "edge", "wrap", "constant"]
Direction = Literal["vertical", "horizontal"]


def identity(size: int = 3) -> np.ndarray:
    """`[size, size]` that changes nothing: 1 in the middle. `size` is odd."""
    _check_odd(size)
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2] = 1.0
    return kernel


def box_blur(size: int = 3) -> np.ndarray:
    """`[size, size]`, the mean of all pixels under it."""
    _check_at_least_one(size=size)
    return np.full((size, size), 1.0 / size**2)


def gaussian(sigma: float, size: int | None = None) -> np.ndarray:
    """`[size, size]`, a bell curve of sum 1.

    Args:
        sigma: Standard deviation in pixels, more than 0.
        size: Odd; three standard deviations to each side if None.
    """
    column = _bell(sigma, size)
    return np.outer(column, column)


def sharpen(amount: float = 1.0) -> np.ndarray:
    """`[3, 3]`, the pixel plus `amount` times what its four neighbours are short of it."""
    return identity() - amount * laplacian()


def edge(direction: Direction = "vertical") -> np.ndarray:
    """`[3, 3]`, the difference of two columns or rows (Prewitt); finds edges of that direction.

    Positive where the image gets darker to the right, or downwards.
    """
    return _derivative([1.0, 1.0, 1.0], direction)


def sobel(direction: Direction = "vertical") -> np.ndarray:
    """`[3, 3]`, like `edge`, with the middle counted twice: smoother along the edge."""
    return _derivative([1.0, 2.0, 1.0], direction)


def scharr(direction: Direction = "vertical") -> np.ndarray:
    """`[3, 3]`, like `edge`, with weights 3, 10, 3: its response depends least on the angle."""
    return _derivative([3.0, 10.0, 3.0], direction)


def laplacian(diagonals: bool = False) -> np.ndarray:
    """`[3, 3]`, the sum of the second derivatives: edges of any direction, 0 on even ground.

    Args:
        diagonals: Whether the four diagonal neighbours count as well.
    """
    kernel = np.ones((3, 3)) if diagonals else np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
    kernel[1, 1] -= kernel.sum()
    return kernel


def laplacian_of_gaussian(sigma: float, size: int | None = None) -> np.ndarray:
    """`[size, size]`, sum 0: the Laplacian of an image blurred by `gaussian(sigma)`.

    Marr and Hildreth, Theory of edge detection, Proc. R. Soc. Lond. B 207, 1980.
    """
    blur = gaussian(sigma, size)
    y, x = _grid(len(blur))
    kernel = blur * ((x**2 + y**2) / sigma**2 - 2) / sigma**2
    return kernel - kernel.mean()


def emboss() -> np.ndarray:
    """`[3, 3]`, relief lit from the upper left: a diagonal slope on top of the image."""
    return np.array([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]])


def gabor(
    wavelength: float,
    theta: float = 0.0,
    phase: float = 0.0,
    sigma: float | None = None,
    aspect: float = 1.0,
    size: int | None = None,
) -> np.ndarray:
    """`[size, size]`, a wave under a bell: what cells of the visual cortex answer to.

    exp(-(u^2 + aspect^2 v^2) / (2 sigma^2)) cos(2 pi u / wavelength + phase), with u along `theta`
    and v across. Daugman, Uncertainty relation for resolution in space, spatial frequency, and
    orientation optimized by two-dimensional visual cortical filters, J. Opt. Soc. Am. A 2, 1985.

    Args:
        wavelength: Pixels per period, at least 2.
        theta: Direction of the wave in radians, from the horizontal towards the bottom; 0 answers
            to vertical stripes.
        phase: In radians: 0 is even (a line), pi / 2 odd (an edge).
        sigma: Of the bell, in pixels; 0.56 wavelengths, a bandwidth of one octave, if None.
        aspect: Less than 1 stretches the bell along the stripes.
        size: Odd; three standard deviations to each side if None.
    """
    if wavelength < 2:
        raise InputError(f"`wavelength` must be at least 2 pixels. Received: {wavelength}.")
    if aspect <= 0:
        raise InputError(f"`aspect` must be more than 0. Received: {aspect}.")
    sigma = 0.56 * wavelength if sigma is None else sigma
    side = len(_bell(sigma, size)) if aspect >= 1 else len(_bell(sigma / aspect, size))
    y, x = _grid(side)
    u = x * np.cos(theta) + y * np.sin(theta)
    v = y * np.cos(theta) - x * np.sin(theta)
    bell = np.exp(-(u**2 + aspect**2 * v**2) / (2 * sigma**2))
    return bell * np.cos(2 * np.pi * u / wavelength + phase)


def gabor_bank(wavelength: float, orientations: int = 8, phase: float = 0.0) -> np.ndarray:
    """`[orientations, size, size]`, Gabor kernels at even angles over half a turn."""
    _check_at_least_one(orientations=orientations)
    angles = np.pi * np.arange(orientations) / orientations
    return np.stack([gabor(wavelength, theta, phase) for theta in angles])


def filter_image(
    image: np.ndarray,
    kernel: np.ndarray,
    boundary: Boundary = "reflect",
    method: Method = "direct",
) -> np.ndarray:
    """Cross-correlates every channel of an image with a kernel; the size stays.

    Args:
        image: `[H, W]` or `[H, W, C]`, numbers of any range.
        kernel: `[KH, KW]`.
        boundary: What lies outside: "reflect" mirrors at the border pixels, "edge" repeats them,
            "wrap" repeats the image, "constant" is 0, as in the layers of a network.
        method: As in `convolve`: "fft" is faster for large kernels.

    Returns:
        float64, of the shape of the image and not clipped: 0..255 may be left on both sides.

    Raises:
        InputError: Shapes that do not fit, a kernel larger than the image, an unknown boundary.
    """
    check_choice("boundary", boundary, get_args(Boundary))
    image, kernel = real("image", image), real("kernel", kernel)
    if image.ndim not in (2, 3) or kernel.ndim != 2:
        raise InputError(
            "expected an image [H, W] or [H, W, C] and a kernel [KH, KW]. Received the shapes "
            f"{image.shape} and {kernel.shape}."
        )
    if not kernel.size or any(k > n for k, n in zip(kernel.shape, image.shape[:2], strict=True)):
        raise InputError(
            f"`kernel` must not be empty nor larger than the image. Received: {kernel.shape} for "
            f"{image.shape}."
        )
    if image.ndim == 2:
        return _filtered(image, kernel, boundary, method)
    channels = np.moveaxis(image, -1, 0)
    return np.stack([_filtered(channel, kernel, boundary, method) for channel in channels], -1)


def _filtered(
    image: np.ndarray, kernel: np.ndarray, boundary: Boundary, method: Method
) -> np.ndarray:
    around = [((k - 1) // 2, k // 2) for k in kernel.shape]
    return correlate(np.pad(image, around, mode=boundary), kernel, "valid", method)


def _derivative(across: list[float], direction: Direction) -> np.ndarray:
    check_choice("direction", direction, get_args(Direction))
    kernel = np.outer(across, [1.0, 0.0, -1.0])
    return kernel if direction == "vertical" else kernel.T


def _bell(sigma: float, size: int | None) -> np.ndarray:
    if not sigma > 0:
        raise InputError(f"`sigma` must be more than 0. Received: {sigma}.")
    side = 2 * int(np.ceil(3 * sigma)) + 1 if size is None else size
    _check_odd(side)
    column = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * sigma**2))
    return column / column.sum()


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns counted from the middle."""
    y, x = np.mgrid[:side, :side] - side // 2
    return y, x


def _check_odd(size: int) -> None:
    if size < 1 or size % 2 == 0:
        raise InputError(f"`size` must be odd, so that there is a middle. Received: {size}.")


def _check_at_least_one(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise InputError(f"`{name}` must be at least 1. Received: {value}.")
