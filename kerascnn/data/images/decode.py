"""Reading one image file, with every way in which a file can be bad turned into a DataError."""

import contextlib
import functools
import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from PIL import Image, ImageFile

from kerascnn.data.images import deep_pixels, file_formats, memory
from kerascnn.data.images.deep_pixels import (
    NoRangeError,
    PixelRange,
    Values,
    check_pixel_range,
    raw_mode,
)
from kerascnn.data.images.file_head import BadHead, Head, check_directory, read_head
from kerascnn.data.images.modes import GREY_MODES, orientation, upright
from kerascnn.data.images.resize import ResizeRule
from kerascnn.errors import DataError
from kerascnn.files import NotAFileError, PathLike, open_regular, user_path
from kerascnn.names import shown

# Pillow itself warns above this number of pixels. A JPEG is decoded at a half, a quarter or an
# eighth of its size until it has no more; other formats cannot be.
MAX_PIXELS = 89_478_485
_MOST_JPEG_PIXELS = 2**30  # takes half a minute
_JPEG_SCALES = (1, 2, 4, 8)

# Formats recognised by their first bytes. Left out on purpose: those without such a mark (a text
# file must not pass for a TGA) and those that start another program (EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")

# What Pillow's readers raise on damaged files; the list comes from its many format plugins.
READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class Header:
    """What is known of an image file: upright size, colour, and whether it has further frames.

    `values` are the lowest and highest pixel of an image of more than 8 bits; they are known, and
    `scale` is said, only once it is decoded. `scale` is 2, 4 or 8 for a JPEG so large that it was
    decoded at a half, a quarter or an eighth of its size.
    """

    height: int
    width: int
    grey: bool
    frames: bool = False
    values: Values | None = None
    scale: int = 1


def load_image(
    path: PathLike,
    size: int | tuple[int, int],
    channels: int,
    rule: ResizeRule | None = None,
    pixel_range: PixelRange | None = None,
) -> np.ndarray:
    """Returns the image file as the uint8 `[H, W, channels]` array that a model takes.

    Of several frames or pages the first is taken. A JPEG of more than 89 megapixels is decoded at
    a half, a quarter or an eighth of its size.

    Args:
        path: an image file (JPEG, PNG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000; AVIF with Pillow 11.3
            or newer, HEIC with the extra "heif").
        size: the model's input (height, width), or one number for both.
        channels: 1 for grey, 3 for RGB.
        rule: the resize rule that the model was trained with; "stretch" if None.
        pixel_range: (low, high), the values that become 0 and 255 where pixels have more than 8
            bits, as for `load`; images of 8 bits do not heed it.

    Raises:
        DataError: the file is missing, empty, truncated, too large or no image; the message
            starts with its path.
        InputError: a pixel range that is none.
    """
    path = user_path(path, "image file")
    pixel_range = check_pixel_range(pixel_range)
    if not os.path.lexists(path):
        raise DataError(f"{shown(path)}: no such file.")
    if path.is_dir():
        raise DataError(f"{shown(path)}: is a folder, an image file was expected.")
    try:
        with warnings.catch_warnings():
            # Too many pixels are an error below, whatever Pillow warns of.
            warnings.simplefilter("ignore")
            return decode(path, size, channels, rule or ResizeRule(), pixel_range)[0]
    except UnreadableImage as error:
        raise DataError(f"{shown(path)}: {error}") from error


class UnreadableImage(DataError):
    """An image that cannot be decoded; the message is the reason alone, without the path.

    `values` are those found where a pixel range is missing.
    """

    values: Values | None = None

    def alone(self) -> "UnreadableImage":
        """Returns it without what it was raised from, which keeps the pixels read in memory."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


def decode(
    source: Path | bytes,
    size: int | tuple[int, int],
    channels: int,
    rule: ResizeRule,
    pixel_range: PixelRange | None = None,
) -> tuple[np.ndarray, Header]:
    """Returns the fitted pixels of a file, or of its bytes, and the image's own size and colour.

    Raises:
        UnreadableImage: with the reason.
    """
    try:
        with _opened(source) as (image, head):
            own_size, grey, frames = image.size, _is_grey(image), _has_frames(image)
            deep_colour = deep_pixels.has_deep_colour(image)
            twice = deep_colour and pixel_range is not None
            scale, needed = _scale(image, head, channels, twice)
            if scale > 1:
                image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
            with memory.DECODING.hold(needed):
                image.load()
                _check_exif(image)  # that of a PNG may be behind its pixels
                height, width = _turned(image, own_size)
                if scale == 1 and (width, height) != own_size:
                    _scale(image, head, channels, twice)  # a PNG may say it behind its pixels
                if deep_colour:
                    pixels, values = _deep_colour(source, image, pixel_range)
                else:
                    pixels, values = _eight_bits(image, head, pixel_range)
                fitted = rule.apply(pixels, size, channels)
                del pixels
                image.close()  # gives its memory back before others take theirs
        return fitted, Header(height, width, grey, frames, values, scale)
    except READ_ERRORS as error:
        _refuse(error)


def read_header(source: Path | bytes) -> Header:
    """Returns size and colour without decoding the pixels; raises UnreadableImage."""
    try:
        with _opened(source) as (image, head):
            _scale(image, head, channels=3, twice=False)
            height, width = _turned(image, image.size)
            return Header(height, width, _is_grey(image))
    except READ_ERRORS as error:
        _refuse(error)


@contextlib.contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[ImageFile.ImageFile, Head]]:
    """Opens an image whose head has been checked, without decoding its pixels."""
    with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        length = file.seek(0, os.SEEK_END)
        if not length:
            raise UnreadableImage("the file is empty (0 bytes)")
        head = read_head(file, length)
        if head.raw or (isinstance(source, Path) and file_formats.is_raw_suffix(source)):
            raise UnreadableImage(file_formats.RAW)
        file.seek(0)
        start = file.read(512)
        file.seek(0)
        with _open(file, start) as image:
            _check_exif(image)
            if image.format == "TIFF" and not _is_covered(image):
                raise UnreadableImage("damaged image: parts of it are missing")
            yield image, head


def _check_exif(image: Image.Image) -> None:
    """Raises BadHead where looking for the orientation of an image would fill the memory."""
    for key in ("exif", "Raw profile type exif"):
        block = image.info.get(key)
        if isinstance(block, str):
            block = bytes.fromhex("".join(block.split("\n")[3:]))
        if block:
            check_directory(block)


def _open(file: BinaryIO, start: bytes) -> ImageFile.ImageFile:
    """Opens an image file that begins with the bytes `start`, whatever its size."""
    memory.give_back_at_once()
    formats = readable_formats()
    if start.startswith(b"\xff\xd8\xff"):
        # What `Image.open` does, but for its limit on pixels: large ones are decoded smaller.
        return Image.OPEN["JPEG"][0](file, "")
    try:
        return Image.open(file, formats=formats)
    except Image.UnidentifiedImageError:
        raise UnreadableImage(file_formats.describe(start, formats)) from None


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Returns Pillow's names of the formats that can be read here."""
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _scale(image: Image.Image, head: Head, channels: int, twice: bool) -> tuple[int, int]:
    """Returns by how much decoding has to shrink an image, and how many bytes that takes.

    Raises:
        UnreadableImage: One that is too large however it is decoded.
    """
    pixels = image.width * image.height
    is_jpeg = image.format in ("JPEG", "MPO")
    for scale in _JPEG_SCALES if is_jpeg and pixels <= _MOST_JPEG_PIXELS else (1,):
        turned = _turned(image, image.size) != image.size[::-1]
        needed = head.beside + memory.needed(
            image, scale=scale, turned=turned, twice=twice, grey=channels == 1
        )
        if pixels <= MAX_PIXELS * scale**2 and needed <= memory.MOST:
            return scale, needed
    limit = f"{MAX_PIXELS:,} allowed"
    if pixels <= MAX_PIXELS or is_jpeg:
        limit = f"can be decoded in {memory.MOST >> 20} MiB"
    what = f"{image.width}x{image.height} pixels"
    raise UnreadableImage(f"{what} are more than {limit}; shrink the image first")


def _eight_bits(
    image: Image.Image, head: Head, pixel_range: PixelRange | None
) -> tuple[Image.Image, Values | None]:
    """Returns a loaded image upright, with 8 bits, and the values that it had if it had more."""
    image = upright(image)
    if image.mode not in deep_pixels.DEEP_GREY_MODES:
        return image, None
    return deep_pixels.grey_to_eight_bits(
        image, pixel_range, bits=head.bits, unsigned=head.unsigned, inverted=head.inverted
    )


def _deep_colour(
    source: Path | bytes, image: Image.Image, pixel_range: PixelRange | None
) -> tuple[Image.Image, Values | None]:
    """`_eight_bits` of 16 bits per colour, of which Pillow has loaded the high bytes."""
    if pixel_range is None:
        return upright(image), deep_pixels.high_byte_values(image)
    with _opened(source) as (again, _):
        low_bytes = deep_pixels.load_low_bytes(again)
        pixels, values = deep_pixels.colour_to_eight_bits(image, low_bytes, pixel_range)
    pixels.info = image.info
    return upright(pixels), values


def _is_grey(image: Image.Image) -> bool:
    return image.mode in GREY_MODES or raw_mode(image).startswith("LA;")


def _is_covered(image: ImageFile.ImageFile) -> bool:
    """Returns whether there is data for all of an image; Pillow leaves black what there is not."""
    boxes = [tile[1] for tile in image.tile]
    area = sum((right - left) * (bottom - top) for left, top, right, bottom in filter(None, boxes))
    return area >= image.width * image.height


def _has_frames(image: Image.Image) -> bool:
    """Returns whether frames or pages follow the first one, as in no photo."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _turned(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (height, width) of an image of a size (width, height) when it is upright."""
    # Pillow turns a TIFF by itself, and decodes a PNG to look for an orientation behind its pixels.
    unknown = image.format == "PNG" and "exif" not in image.info and raw_mode(image)
    turned = image.format != "TIFF" and not unknown and orientation(image) >= 5
    return size if turned else size[::-1]


def _refuse(error: BaseException) -> NoReturn:
    """Raises what a reader raised as UnreadableImage, in one line."""
    if isinstance(error, UnreadableImage):
        raise error
    reason = UnreadableImage(_reason(error))
    if isinstance(error, NoRangeError):
        reason.values = error.values
    raise reason from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    if isinstance(error, (BadHead, DataError)):
        return text
    if isinstance(error, NotAFileError):
        return f"{text}"
    if isinstance(error, MemoryError):
        return "there is too little memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MAX_PIXELS:,} pixels; shrink the image first"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    return f"damaged image: {text or type(error).__name__}"
