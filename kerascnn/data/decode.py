"""Reading one image file, with every way in which a file can be bad turned into a DataError."""

import functools
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.data.modes import GREY_MODES
from kerascnn.data.resize import ResizeRule
from kerascnn.errors import DataError
from kerascnn.files import PathLike, check_file, user_path

# Pillow itself warns above this number of pixels: a file of a few kB can name a size that fills
# the memory when decoded.
MAX_PIXELS = 89_478_485

# Formats recognised by their first bytes. Left out on purpose: those without such a mark (a text
# file must not pass for a TGA) and those that start another program (EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112

# What Pillow's readers raise on damaged files; the list comes from its many format plugins.
READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels are decoded: upright size and colour."""

    height: int
    width: int
    grey: bool


def load_image(
    path: PathLike, size: int | tuple[int, int], channels: int, rule: ResizeRule | None = None
) -> np.ndarray:
    """Returns the image file as the uint8 `[H, W, channels]` array that a model takes.

    Args:
        path: an image file (JPEG, PNG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000, AVIF).
        size: the model's input (height, width), or one number for both.
        channels: 1 for grey, 3 for RGB.
        rule: the resize rule that the model was trained with; "stretch" if None.

    Raises:
        DataError: the file is missing, empty, truncated, too large or no image; the message
            starts with its path.
    """
    path = user_path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    check_file(path, "image file", error=DataError)
    try:
        with warnings.catch_warnings():
            # Too many pixels are an error below, whatever Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return decode(path, size, channels, rule or ResizeRule())[0]
    except UnreadableImage as error:
        raise DataError(f"{path}: {error}") from error


class UnreadableImage(DataError):
    """An image that cannot be decoded; the message is the reason alone, without the path."""


def decode(
    source: Path | bytes, size: int | tuple[int, int], channels: int, rule: ResizeRule
) -> tuple[np.ndarray, Header]:
    """Returns the fitted pixels of a file, or of its bytes, and the image's own size and colour.

    Raises:
        UnreadableImage: with the reason.
    """
    try:
        with _open(source) as image:
            image.load()
            # A PNG may carry its orientation behind the pixels: the header is known only now.
            return rule.apply(image, size, channels), _header(image)
    except (UnreadableImage, *READ_ERRORS) as error:
        raise _unreadable(source, error) from error


def read_header(source: Path | bytes) -> Header:
    """Returns size and colour without decoding the pixels; raises UnreadableImage."""
    try:
        with _open(source) as image:
            return _header(image)
    except (UnreadableImage, *READ_ERRORS) as error:
        raise _unreadable(source, error) from error


def _open(source: Path | bytes) -> Image.Image:
    empty = source.stat().st_size == 0 if isinstance(source, Path) else not source
    if empty:
        raise UnreadableImage("the file is empty (0 bytes)")
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    image = Image.open(file, formats=_readable_formats())
    if image.width * image.height > MAX_PIXELS:
        message = f"{image.width}x{image.height} pixels are more than {MAX_PIXELS:,} allowed"
        image.close()
        raise UnreadableImage(f"{message}; shrink the image first")
    return image


@functools.cache
def _readable_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _header(image: Image.Image) -> Header:
    width, height = image.size
    # Pillow turns a TIFF by itself, on opening it.
    if image.format != "TIFF" and image.getexif().get(_ORIENTATION) in (5, 6, 7, 8):
        width, height = height, width
    return Header(height, width, image.mode in GREY_MODES)


def _unreadable(source: Path | bytes, error: BaseException) -> UnreadableImage:
    if isinstance(error, UnreadableImage):
        return error
    if isinstance(error, DataError):
        return UnreadableImage(str(error))
    if isinstance(error, Image.UnidentifiedImageError):
        return UnreadableImage("not an image in a known format")
    if isinstance(error, Image.DecompressionBombError):
        return UnreadableImage(f"more than {MAX_PIXELS:,} pixels; shrink the image first")
    if isinstance(error, OSError) and error.errno is not None:
        return UnreadableImage(f"cannot be read: {error.strerror}")
    return UnreadableImage(f"damaged image: {error or type(error).__name__}")
