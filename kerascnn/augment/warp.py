"""Where the pixels of a warped image come from, and bilinear interpolation between them.

A general warp is three passes: addresses, four gathers, blending. One without shear is resampled
along the rows and then along the columns, which takes a third of the time.
"""

from kerascnn.augment import kernels
from kerascnn.augment.arrays import Array, Namespace

# 1 / 256 of a pixel is the resolution of interpolation; weights are integers 0..256.
BITS = 8
ONE = 1 << BITS
OUTSIDE = 1 << 30  # flag in the weights: not in the image


def project(
    xp: Namespace, matrices: Array, *, target: tuple[int, int], perspective: bool
) -> tuple[Array, Array]:
    """Where each output pixel lies in the input: continuous (x, y), pixel (0, 0) around (.5, .5).

    Args:
        matrices: float32 `[n, 3, 3]`, from output to input coordinates.
        target: Output height and width.
        perspective: Whether any last row differs from (0, 0, 1).

    Returns:
        Two float32 arrays `[n, H, W]`.
    """
    height, width = target
    x = (xp.arange(width, dtype="float32") + 0.5)[None, None, :]
    y = (xp.arange(height, dtype="float32") + 0.5)[None, :, None]
    m = [[matrices[:, i, j][:, None, None] for j in range(3)] for i in range(3)]
    u = m[0][0] * x + m[0][1] * y + m[0][2]
    v = m[1][0] * x + m[1][1] * y + m[1][2]
    if perspective:
        w = m[2][0] * x + m[2][1] * y + m[2][2]
        u, v = u / w, v / w
    return u, v


def inside(u: Array, side: int) -> Array:
    """Whether a continuous coordinate lies in an image."""
    return (u >= 0.0) & (u < float(side))


def neighbour(xp: Namespace, u: Array, side: int) -> tuple[Array, Array]:
    """The left of the two pixels around continuous coordinates, and the right one's weight 0..256.

    The border is repeated. The last pixel is the right neighbour of the last but one, so that
    there are always two (the side is 2 at least).
    """
    fixed = xp.cast(xp.clip(u - 0.5, 0.0, float(side - 1)) * float(ONE) + 0.5, "int32")
    left = xp.minimum(xp.right_shift(fixed, BITS), side - 2)
    return left, fixed - left * ONE


def locate(
    xp: Namespace,
    matrices: Array,
    *,
    source: tuple[int, int],
    target: tuple[int, int],
    perspective: bool,
) -> tuple[Array, Array]:
    """Addresses in the flattened batch, and weights, for bilinear interpolation.

    As in Pillow, what lies in the image's area is interpolated with the border repeated, and what
    lies outside is the fill colour.

    Returns:
        int32 `[n, H, W]` addresses of the upper left of four neighbours, and int32 weights: x in
        bits 0..8, y in bits 9..17, `OUTSIDE` where there is no image.
    """
    u, v = project(xp, matrices, target=target, perspective=perspective)
    return address(xp, u, v, source=source)


def address(xp: Namespace, u: Array, v: Array, *, source: tuple[int, int]) -> tuple[Array, Array]:
    """`locate` for coordinates that are known already, float32 `[n, H, W]`."""
    height, width = source
    x, wx = neighbour(xp, u, width)
    y, wy = neighbour(xp, v, height)
    first = kernels.first_addresses(xp, u, height * width)
    covered = inside(u, width) & inside(v, height)
    return first + y * width + x, xp.where(covered, wx + wy * 512, OUTSIDE)


def interpolate(
    xp: Namespace, packed: Array, addresses: Array, weights: Array, *, fill: int
) -> Array:
    """Bilinear interpolation of packed pixels; `fill` where the weights say so."""
    width = packed.shape[2]
    flat = xp.reshape(packed, (-1,))
    a, b = xp.take(flat, addresses, axis=0), xp.take(flat, addresses + 1, axis=0)
    c = xp.take(flat, addresses + width, axis=0)
    d = xp.take(flat, addresses + (width + 1), axis=0)
    wx = xp.bitwise_and(weights, 511)
    wy = xp.bitwise_and(xp.right_shift(weights, 9), 511)
    w11 = xp.right_shift(wx * wy + ONE // 2, BITS)
    w10, w01 = wx - w11, wy - w11
    value = kernels.weighted(xp, ((a, ONE - wx - w01), (b, w10), (c, w01), (d, w11)))
    return xp.where(weights >= OUTSIDE, fill, value)


def lines(
    xp: Namespace, matrices: Array, *, axis: int, source: int, target: int
) -> tuple[Array, Array]:
    """Addresses and weights along one axis (0 x, 1 y) of a warp whose matrices have no shear.

    Returns:
        int32 `[n, target]` number of the left or upper neighbour, and the other's weight 0..256,
        or `OUTSIDE`.
    """
    place = xp.arange(target, dtype="float32")[None, :] + 0.5
    place = matrices[:, axis, axis][:, None] * place + matrices[:, axis, 2][:, None]
    first, weight = neighbour(xp, place, source)
    return first, xp.where(inside(place, source), weight, OUTSIDE)


def resample_rows(xp: Namespace, packed: Array, upper: Array, weight: Array, *, fill: int) -> Array:
    """Interpolates between rows: `[n, H, W]` to `[n, k, W]` for `[n, k]` addresses and weights."""
    n, rows, width = xp.shape(packed)
    flat = xp.reshape(packed, (n * rows, width))
    address = xp.arange(n, dtype="int32")[:, None] * rows + upper
    above, below = xp.take(flat, address, axis=0), xp.take(flat, address + 1, axis=0)
    weight = weight[:, :, None]
    value = kernels.weighted(xp, ((above, ONE - weight), (below, weight)))
    return xp.where(weight >= OUTSIDE, fill, value)


def columns(xp: Namespace, left: Array, *, size: tuple[int, int]) -> Array:
    """Addresses in the flattened batch `[n, H, k]` of the columns `[n, k]` of images of `size`."""
    n, (height, width) = xp.shape(left)[0], size
    row = xp.reshape(xp.arange(n * height, dtype="int32"), (n, height, 1))
    return row * width + left[:, None, :]


def resample_columns(
    xp: Namespace, packed: Array, addresses: Array, weight: Array, *, fill: int
) -> Array:
    """Interpolates between columns: `[n, H, k]` for `[n, H, k]` addresses and `[n, k]` weights."""
    flat, weight = xp.reshape(packed, (-1,)), weight[:, None, :]
    left, right = xp.take(flat, addresses, axis=0), xp.take(flat, addresses + 1, axis=0)
    value = kernels.weighted(xp, ((left, ONE - weight), (right, weight)))
    return xp.where(weight >= OUTSIDE, fill, value)


def nearest(
    xp: Namespace,
    values: Array,
    matrices: Array,
    *,
    target: tuple[int, int],
    perspective: bool,
    fill: int,
) -> Array:
    """The warp without interpolation, for masks: `values` `[n, H, W]` of any type."""
    _, height, width = values.shape
    u, v = project(xp, matrices, target=target, perspective=perspective)
    x = xp.cast(xp.clip(u, 0.0, float(width - 1)), "int32")
    y = xp.cast(xp.clip(v, 0.0, float(height - 1)), "int32")
    found = xp.take(
        xp.reshape(values, (-1,)),
        kernels.first_addresses(xp, u, height * width) + y * width + x,
        axis=0,
    )
    outside = xp.cast(found * 0 + fill, values.dtype)
    return xp.where(inside(u, width) & inside(v, height), found, outside)
