"""The passes over the pixels. Everything else in this package computes small arrays of parameters.

Between two passes an image is packed: one int32 per pixel, red in the lowest byte. Then a bilinear
tap is one load instead of three, and interpolation works on two channels per multiplication
(8 bits of value beside 8 bits of room: "SIMD within a register").

On TensorFlow and JAX each pass is compiled by XLA; on the others the same code runs eagerly.
Passes are separate programs on purpose: where XLA may fuse a gather into its users, it computes the
gathered values anew for each of them, and the warp takes four times as long (measured).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kerascnn.augment.arrays import Array, Namespace

_EVEN_BYTES = 0x00FF00FF
_HALVES = 0x00800080  # 0.5 in both fields
LUMA = (0.299, 0.587, 0.114)


def run(xp: Namespace, kernel: Callable, *arrays: Array, **static: Any) -> Any:
    """Runs a pass, compiled where the library compiles. `static` are hashable constants."""
    return _compiled(xp, kernel, tuple(sorted(static.items())))(*arrays)


@functools.lru_cache(maxsize=512)
def _compiled(xp: Namespace, kernel: Callable, static: tuple[tuple[str, Any], ...]) -> Callable:
    return xp.compile(functools.partial(kernel, xp, **dict(static)))


def first_addresses(xp: Namespace, x: Array, size: int) -> Array:
    """Where each image of `x` begins in a flat array of `size` numbers per image, `[n, 1, 1]`."""
    return xp.arange(xp.shape(x)[0], dtype="int32")[:, None, None] * size


def pack(xp: Namespace, images: Array) -> Array:
    """uint8 `[n, H, W, C]`, C up to 3, as int32 `[n, H, W]`."""
    if xp.name == "tensorflow":
        return xp.bitcast(
            xp.pad(images, [[0, 0], [0, 0], [0, 0], [0, 4 - images.shape[-1]]]), "int32"
        )
    return join(xp, [xp.cast(images[..., c], "int32") for c in range(images.shape[-1])])


def unpack(xp: Namespace, packed: Array, *, channels: int) -> Array:
    """int32 `[n, H, W]` as uint8 `[n, H, W, channels]`."""
    if xp.name == "tensorflow":
        return xp.bitcast(packed, "uint8")[..., :channels]
    return xp.cast(xp.stack(split(xp, packed, channels), axis=-1), "uint8")


def split(xp: Namespace, packed: Array, channels: int) -> list[Array]:
    """The channels of packed pixels, int32 0..255 each."""
    byte = 255
    return [xp.bitwise_and(xp.right_shift(packed, (8 * c)), byte) for c in range(channels)]


def join(xp: Namespace, channels: list[Array]) -> Array:
    """The inverse of `split`."""
    packed = channels[0]
    for c, channel in enumerate(channels[1:], start=1):
        packed = packed + channel * (1 << (8 * c))
    return packed


def to_bytes(xp: Namespace, x: Array) -> Array:
    """float values rounded to the nearest int32 in 0..255."""
    return xp.cast(xp.clip(x + 0.5, 0, 255), "int32")


def weighted(xp: Namespace, terms: Sequence[tuple[Array, Array]]) -> Array:
    """The mean of packed pixels by integer weights that sum to 256."""

    def half(shift: int) -> Array:
        """Two of the four bytes, each with a byte of room above it."""
        total = _HALVES
        for pixels, weight in terms:
            shifted = xp.right_shift(pixels, shift) if shift else pixels
            total = xp.bitwise_and(shifted, _EVEN_BYTES) * weight + total
        return xp.bitwise_and(xp.right_shift(total, 8), _EVEN_BYTES)

    return half(0) + half(8) * 256


def recolor(
    xp: Namespace, packed: Array, *parameters: Array, kinds: tuple[str, ...], channels: int
) -> Array:
    """Tables and colour matrices, one after another, in one pass.

    Args:
        parameters: For a "table" int32 `[n, channels, 256]`, for a "matrix" float32 `[n, 3, 4]`.
        kinds: What each of the parameters is.
    """
    values = split(xp, packed, channels)
    for kind, parameter in zip(kinds, parameters, strict=True):
        if kind == "table":
            flat = xp.reshape(parameter, (-1,))
            first = first_addresses(xp, packed, 256 * channels)
            values = [
                xp.take(flat, value + (first + 256 * c), axis=0) for c, value in enumerate(values)
            ]
        else:
            m = [[parameter[:, i, j][:, None, None] for j in range(4)] for i in range(3)]
            r, g, b = (xp.cast(value, "float32") for value in values)
            values = [to_bytes(xp, row[0] * r + row[1] * g + row[2] * b + row[3]) for row in m]
    return join(xp, values)


def histograms(xp: Namespace, packed: Array, *, channels: int) -> Array:
    """int32 `[n, channels, 256]`: how often each value occurs. Not for compiling: XLA is slower."""
    n, height, width = xp.shape(packed)
    values = xp.stack(split(xp, xp.reshape(packed, (n, height * width)), channels), axis=1)
    counts = xp.count_bytes(xp.reshape(values, (n * channels, height * width)))
    return xp.reshape(counts, (n, channels, 256))


def darkest_and_brightest(xp: Namespace, packed: Array, *, channels: int) -> tuple[Array, Array]:
    """Smallest and largest value of each channel, int32 `[n, channels]` each."""
    # One axis after the other: the first reduction, over rows, is vectorised by XLA.
    values = split(xp, packed, channels)
    low = xp.stack([xp.amin(xp.amin(value, axis=1), axis=1) for value in values], axis=1)
    return low, xp.stack([xp.amax(xp.amax(value, axis=1), axis=1) for value in values], axis=1)


def mean_grey(xp: Namespace, packed: Array, *, channels: int) -> Array:
    """Mean luma (ITU-R 601) of each image, float32 `[n]` in 0..255."""
    weights = (299, 587, 114) if channels == 3 else (1000,)
    values = split(xp, packed, channels)
    luma = sum(value * weight for value, weight in zip(values, weights, strict=True))
    rows = xp.cast(xp.sum(luma, axis=1), "float32")  # an image of 8,000 rows fits into 31 bits
    return xp.sum(rows, axis=1) / (1000.0 * packed.shape[1] * packed.shape[2])
