"""Files made to fill memory, or to be read for ever: `HOSTILE`, and what makes such ones."""

import io
import struct
import zlib

from PIL import Image
from stored_pixels import chunk, tiff

from kerascnn.data.images.file_head import MOST_METADATA


def flat_png(width: int, height: int, channels: int = 3, bits: int = 8, *more: bytes) -> bytes:
    """A PNG of zeros of any size, which takes kilobytes."""
    colour = {1: 0, 3: 2, 4: 6}[channels]
    packer = zlib.compressobj(9)
    row = bytes(1 + width * channels * bits // 8)
    block = row * max(1, 2**22 // len(row))
    rows, parts = height, []
    while rows:
        count = min(rows, len(block) // len(row))
        parts.append(packer.compress(block[: count * len(row)]))
        rows -= count
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    content = b"".join([*parts, packer.flush()])
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", content), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg(size: tuple[int, int], **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(stream, "JPEG", **options)
    return stream.getvalue()


def overlapping(entries: int, held: int, kind: int = 1) -> bytes:
    """EXIF in which many tags name the same bytes, as long as can be."""
    length = 8 + 2 + 12 * entries + 4
    rows = b"".join(
        struct.pack("<HHII", 0x9000 + number, kind, held // (8 if kind == 5 else 1), 8)
        for number in range(entries)
    )
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + rows + bytes(4)
    return content + bytes(max(0, held - length))


def with_segments(content: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with further segments at its beginning."""
    more = b"".join(
        struct.pack(">BBH", 0xFF, code, len(body) + 2) + body for code, body in segments
    )
    return content[:2] + more + content[2:]


SMALL = jpeg((16, 16))
EXIF = b"Exif\0\0"
ZEROS = zlib.compress(bytes(10**8))
HUGE_TILES = [(322, 4, 1, 10**6), (323, 4, 1, 10**6)]
HUGE_CANVAS = struct.pack("<I", 10) + b"\x10\0\0\0" + b"\xff" * 6


def small_png(kind: bytes, content: bytes) -> bytes:
    return flat_png(16, 16, 3, 8, chunk(kind, content))


HOSTILE = {
    "pixels.png": flat_png(40000, 40000, 1),
    "lie.png": flat_png(16, 16)[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1),
    "canvas.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(3) + b",",
    "exif.jpg": with_segments(SMALL, (0xE1, EXIF + overlapping(5000, 60_000))),
    "parts.jpg": with_segments(SMALL, (0xE2, b"MPF\0" + overlapping(5000, 60_000, 5))),
    "exif.png": small_png(b"eXIf", overlapping(9000, 10**6)),
    "text.png": small_png(b"zTXt", b"a\0\0" + ZEROS),
    "profile.png": small_png(b"iCCP", b"a\0\0" + ZEROS),
    "tags.tif": overlapping(20_000, 2 * 10**6),
    "values.tif": overlapping(3, 40 * 10**6, 5),
    "many.tif": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60),
    "tile.tif": tiff(bytes(64), (8, 8), [8], more=HUGE_TILES),
    "segments.jpg": SMALL[:2] + b"\xff\xe0\0\x02" * (MOST_METADATA // 64 + 1),
    "junk.jpg": b"\xff\xd8\xff" + bytes(10**6),
    "canvas.webp": b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + HUGE_CANVAS,
}
