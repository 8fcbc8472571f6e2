"""Reading the head of an image file before Pillow does, for what would fill memory on opening it.

Pillow reads all tags of a TIFF directory, of which EXIF is one, at once: a few hundred kB in which
thousands of tags name the same bytes take gigabytes. Progressive JPEGs are held whole, at any
scale. Both are known from the head.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# Bytes of a file: an uncompressed image of as many pixels as are allowed has fewer.
MOST_FILE = 2**29
MOST_WHOLE_FILE = 2**27  # of a format that is read into memory as it is opened
# Of comments, EXIF, colour profiles and the like.
MOST_METADATA = 2**26
_MOST_VALUES = 2**19  # Pillow makes an object of each
_MOST_TAGS = 2**16
_MOST_DIRECTORIES = 64
_MOST_EXIF = 2**23
_MOST_JUNK = 2**16
_SEGMENT = 64  # bytes that a segment takes beside its content
_MOST_STRIP = 2**28  # bytes of a strip or tile, decoded
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
_BYTES = (1, 2, 6, 7)  # types whose values stay one string of bytes
_INNER = (34665, 34853, 40965)  # tags of further directories: EXIF, GPS, interoperability
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")

# Tags of TIFF 6.0 and DNG 1.7.
_REDUCED, _WIDTH, _LENGTH, _BITS, _PHOTOMETRIC, _SAMPLES = 254, 256, 257, 258, 262, 277
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH = 278, 322, 323
_SUB_DIRECTORIES, _SAMPLE_FORMAT, _DNG = 330, 339, 50706


class BadHead(ValueError):
    """A head that must not be given to Pillow; the message says why."""


@dataclass(frozen=True)
class Head:
    """What is known of a file before Pillow opens it.

    Attributes:
        beside: Bytes that decoding holds beside the pixels, at any scale.
        raw: Whether it is the camera raw file that a TIFF file may be.
        bits: Of a sample, where it is a TIFF file.
        inverted: Whether it is a TIFF file in which 0 is white.
        unsigned: Whether it is a TIFF file of integers without a sign.
    """

    beside: int = 0
    raw: bool = False
    bits: int | None = None
    inverted: bool = False
    unsigned: bool = False


def read_head(file: BinaryIO, length: int) -> Head:
    """Returns what the head of a file says; its place in the file is then any.

    Raises:
        BadHead: Too many bytes, or metadata that would take far more memory than the file.
    """
    if length > MOST_FILE:
        raise BadHead(f"{length / 2**20:,.0f} MiB are more than the {MOST_FILE >> 20} allowed")
    file.seek(0)
    start = file.read(32)
    if start[:3] == b"\xff\xd8\xff":
        return _read_jpeg(file)
    if _TIFF.match(start):
        return _read_tiff(file, start, length)
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    if (is_webp or start[4:8] == b"ftyp") and length > MOST_WHOLE_FILE:
        raise BadHead(
            f"{length / 2**20:,.0f} MiB are more than the {MOST_WHOLE_FILE >> 20} allowed for its "
            "format"
        )
    if start[4:8] == b"ftyp" and start[8:11] in (b"avi", b"hei", b"hev", b"mif", b"msf"):
        file.seek(0)
        content = file.read()
        for place, found in enumerate(_TIFF.finditer(content)):  # EXIF, wherever it is
            if place == _MOST_DIRECTORIES:
                raise BadHead(f"more than {_MOST_DIRECTORIES} blocks of metadata")
            check_directory(content[found.start() :])
    return Head()


def check_directory(content: bytes) -> None:
    """Raises BadHead where the directories of TIFF or EXIF bytes would fill the memory."""
    content = content.removeprefix(b"Exif\0\0")
    _Tags(io.BytesIO(content), content[:16], len(content))


class _Tags:
    """The first directory of a TIFF file, with the number that each tag holds first."""

    def __init__(self, file: BinaryIO, start: bytes, length: int):
        self._file, self._length = file, length
        self._order = "little" if start[:2] == b"II" else "big"
        self._wide = start[2:4] in (b"+\0", b"\0+")  # BigTIFF
        self._held = self._values = 0
        self.numbers = self._read(self._number(start[8:16] if self._wide else start[4:8]))
        for tag in _INNER:
            if tag in self.numbers:
                inner = self._read(self.numbers[tag])
                if _INNER[-1] in inner:
                    self._read(inner[_INNER[-1]])

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, self._order)  # type: ignore[arg-type]

    def _read(self, place: int) -> dict[int, int]:
        """Reads the directory at a place of the file; raises BadHead where it holds too much."""
        numbers: dict[int, int] = {}
        if place >= self._length:
            return numbers
        size, entry_bytes = (8, 20) if self._wide else (4, 12)
        self._file.seek(place)
        count = self._number(self._file.read(8 if self._wide else 2))
        if count > _MOST_TAGS:
            raise BadHead(f"metadata of {count:,} tags")
        entries = self._file.read(count * entry_bytes)
        for first in range(0, len(entries) - entry_bytes + 1, entry_bytes):
            entry = entries[first : first + entry_bytes]
            tag, kind = self._number(entry[:2]), self._number(entry[2:4])
            values, inside = self._number(entry[4 : 4 + size]), entry[4 + size :]
            width = _TYPE_BYTES.get(kind, 1)
            if values * width <= size:
                numbers[tag] = self._number(inside[:width])
                continue
            held = min(values * width, self._length)
            self._held += held
            self._values += 0 if kind in _BYTES else held // width
            if tag == _BITS and self._number(inside) < self._length:  # of each sample: all the same
                self._file.seek(self._number(inside))
                numbers[tag] = self._number(self._file.read(width))
        if self._held > MOST_METADATA or self._values > _MOST_VALUES:
            raise BadHead(
                f"metadata of {self._held / 2**20:,.0f} MiB in {self._values:,} numbers, read from "
                f"{self._length / 2**20:.1f} MiB"
            )
        return numbers


def _read_tiff(file: BinaryIO, start: bytes, length: int) -> Head:
    numbers = _Tags(file, start, length).numbers
    raw = start[8:10] == b"CR" or _DNG in numbers
    raw = raw or (numbers.get(_REDUCED, 0) & 1 == 1 and _SUB_DIRECTORIES in numbers)
    bits, samples = numbers.get(_BITS, 1), numbers.get(_SAMPLES, 1)
    width, height = numbers.get(_WIDTH, 0), numbers.get(_LENGTH, 0)
    if _TILE_WIDTH in numbers:
        across, down = numbers[_TILE_WIDTH], numbers.get(_TILE_LENGTH, 0)
    else:
        across, down = width, min(height, numbers.get(_ROWS_PER_STRIP, height))
    strip = across * down * samples * bits // 8
    if strip > _MOST_STRIP and across * down > width * height:
        raise BadHead(f"damaged image: tiles of {across}x{down} in one of {width}x{height}")
    return Head(
        strip,
        raw,
        bits,
        inverted=numbers.get(_PHOTOMETRIC) == 0,
        unsigned=numbers.get(_SAMPLE_FORMAT, 1) == 1,
    )


def _read_jpeg(file: BinaryIO) -> Head:
    exif, metadata, progressive = b"", 0, False
    width, height, components = 0, 0, list[int]()
    for code, content in _segments(file):
        metadata += len(content) + _SEGMENT
        if metadata > MOST_METADATA or len(exif) > _MOST_EXIF:
            raise BadHead(f"metadata of more than {metadata >> 20} MiB before the image")
        if code == 0xE1 and content.startswith(b"Exif\0\0"):
            exif += content[6:] if exif else content
        elif code == 0xE2 and content.startswith(b"MPF\0"):
            check_directory(content[4:])
        elif 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC) and len(content) > 5:
            if content[0] != 8:
                raise BadHead(f"a JPEG of {content[0]} bits, save it as a 16-bit PNG or TIFF first")
            progressive = code in (0xC2, 0xC6, 0xCA, 0xCE)
            height, width = (int.from_bytes(content[place : place + 2]) for place in (1, 3))
            components = [content[place] for place in range(7, len(content), 3)]
        elif code == 0xDA and components and content:
            if exif:
                check_directory(exif)
            if not (progressive or content[0] < len(components)):
                return Head()
            # Two bytes for each coefficient are kept until the last scan (ITU-T T.81, annex G).
            areas = [(factors >> 4) * (factors & 15) for factors in components]
            most = max(max(areas), 1)
            return Head(int(2 * width * height * sum(areas) / most))
    if exif:
        check_directory(exif)
    return Head()


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yields code and content of each segment to the first scan, as tolerant as Pillow is."""
    file.seek(2)
    junk = 0
    while (byte := file.read(1)) and junk < _MOST_JUNK:
        if byte != b"\xff":
            junk += 1
            continue
        while (code := (file.read(1) or b"\xd9")[0]) == 0xFF and junk < _MOST_JUNK:
            junk += 1
        if code == 0xD9:
            return
        if code in (0, 1) or 0xD0 <= code <= 0xD8 or 0xF0 <= code <= 0xFD:
            continue
        yield code, file.read(max(int.from_bytes(file.read(2)) - 2, 0))
        if code == 0xDA:
            return
    if junk >= _MOST_JUNK:
        raise BadHead("no JPEG data behind its first bytes")
