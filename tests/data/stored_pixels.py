"""Image files written byte by byte, so that what is in them does not depend on a library."""

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: colour type


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(
    values: np.ndarray,
    *more: bytes,
    bits: int | None = None,
    palette: bytes = b"",
    behind: Sequence[bytes] = (),
) -> bytes:
    """A PNG file of values `[h, w, channels]` of 8 or 16 bits, or of a palette's places.

    Args:
        values: uint8 or uint16.
        more: Chunks before the pixels.
        bits: Of a sample, as written in the head (the values are packed already).
        palette: Red, green and blue of each place.
        behind: Chunks behind the pixels.
    """
    height, width, channels = values.shape
    bits = bits or 8 * values.itemsize
    colour = 3 if palette else PNG_COLOURS[channels]
    if bits < 8:
        width = width * 8 // bits
    rows = [b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    table = chunk(b"PLTE", palette) if palette else b""
    pixels = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    parts = (b"\x89PNG\r\n\x1a\n", head, table, *more, pixels, *behind, chunk(b"IEND", b""))
    return b"".join(parts)


def tiff(
    pixels: bytes,
    size: tuple[int, int],
    bits: Sequence[int],
    *,
    photometric: int = 1,
    sample_format: int = 1,
    order: str = "<",
    deflate: bool = False,
    more: Sequence[tuple[int, int, int, int]] = (),
) -> bytes:
    """A TIFF file of one strip.

    Args:
        pixels: As they are stored, in the byte order of the file.
        size: (height, width).
        bits: Of each sample of a pixel.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 6 YCbCr, 8 CIELAB.
        sample_format: 1 unsigned, 2 signed, 3 floating point.
        order: "<" or ">".
        deflate: Whether the strip is compressed.
        more: Further entries: (tag, type, count, value or place).
    """
    pixels = zlib.compress(pixels) if deflate else pixels
    start, count = 8 + len(pixels), len(bits)
    inline = count * 2 <= 4
    kept = bits[0] if inline and order == "<" else bits[0] << 16
    if inline and count == 2:
        kept = struct.unpack(order + "I", struct.pack(order + "HH", *bits))[0]
    entries = [
        (256, 4, 1, size[1]),
        (257, 4, 1, size[0]),
        (258, 3, count, kept if inline else start),
        (259, 4, 1, 8 if deflate else 1),
        (262, 4, 1, photometric),
        (273, 4, 1, 8),
        (277, 4, 1, count),
        (278, 4, 1, size[0]),
        (279, 4, 1, len(pixels)),
        (339, 4, 1, sample_format),
        *more,
    ]
    table = b"" if inline else struct.pack(f"{order}{count}H", *bits)
    place = start + len(table)
    directory = struct.pack(order + "H", len(entries))
    directory += b"".join(struct.pack(order + "HHII", *entry) for entry in sorted(entries))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", place) + pixels + table + directory + bytes(4)


def brought(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """What 8 bits become of values by a range: exact arithmetic, halves rounded up."""
    low, high = Fraction(low), Fraction(high)

    def one(value: float) -> int:
        scaled = (Fraction(value) - low) * 255 / (high - low) + Fraction(1, 2)
        return min(255, max(0, scaled.__floor__()))

    flat = [one(value) for value in values.ravel().tolist()]
    return np.array(flat, np.uint8).reshape(values.shape)
