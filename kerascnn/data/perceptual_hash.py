"""A short description of what an image shows, equal or nearly so for copies of it.

Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, section 3.2.1.
"""

import numpy as np

SIDE = 8  # of the square of frequencies, so that a hash has 64 bits
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
_CHUNK = 64  # more at a time do not fit into the processor's cache


def frequencies(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The low frequencies of the brightness of images, without the constant ones.

    A cosine transform (DCT-II) of the whole image is its own blur: what is finer is left out, so
    that the size of the image and the traces of its compression do not matter. Without the
    constant terms, brightness does not either.

    Args:
        images: uint8 `[n, H, W, 1 or 3]`.
        side: Frequencies 1 to `side` along each axis.

    Returns:
        float32 `[n, side * side]`.
    """
    count, height, width, channels = images.shape
    rows = _cosines(height, side)
    # Grey and the transform along the rows are one product: fast for many images.
    luma = _LUMA if channels == 3 else np.ones(1, np.float32)
    columns = np.kron(_cosines(width, side), luma).T
    out = np.empty((count, side, side), np.float32)
    for start in range(0, count, _CHUNK):
        part = images[start : start + _CHUNK].astype(np.float32)
        lines = part.reshape(-1, width * channels) @ columns
        out[start : start + _CHUNK] = rows @ lines.reshape(len(part), height, side)
    return out.reshape(count, side * side)


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """The hash of each image: which of its 8x8 low frequencies are above their median.

    Args:
        images: uint8 `[n, H, W, 1 or 3]`.

    Returns:
        bool `[n, 64]`. Copies of an image differ in a few bits, other images in 32 on average.
    """
    return signs(frequencies(images))


def signs(values: np.ndarray) -> np.ndarray:
    """The hash that belongs to `frequencies(images)`."""
    return values > np.median(values, axis=1, keepdims=True)


def _cosines(length: int, side: int) -> np.ndarray:
    places = (np.arange(length) + 0.5) * np.pi / length
    waves: np.ndarray = np.cos(np.arange(1, side + 1)[:, None] * places) / length
    return waves.astype(np.float32)
