"""From the values or colours of mask files to classes."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from kerascnn.data.images.decode import READ_ERRORS
from kerascnn.errors import DataError
from kerascnn.files import NotAFileError, open_regular
from kerascnn.names import shown

IGNORED_PIXEL = 255  # in the masks handed on
MOST_CLASSES = 255
_COLOURS = 2**24  # where the keys of colours begin; values are below
_LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF", "JPEG2000")
_FEW_BITS = re.compile(r"L;([24])")  # a PNG of 2 or 4 bits a pixel, which Pillow spreads to 8


@dataclass(frozen=True, eq=False)
class MaskTable:
    """What each value, or each colour, of a source's mask files means.

    Attributes:
        keys: int32 `[n]`, sorted: values, and colours as `colour_key` numbers them.
        classes: uint8 `[n]`: the class of each, IGNORED_PIXEL for what is ignored.
    """

    keys: np.ndarray
    classes: np.ndarray

    def read(self, path: Path) -> np.ndarray:
        """Returns the classes of a mask file, uint8 `[H, W]`.

        Raises:
            DataError: It cannot be read, or holds other values than it held before.
        """
        try:
            values = read_values(path)
        except MaskError as error:
            raise DataError(f"{shown(path)}: {error}. Restore the mask and read again.") from error
        places = np.searchsorted(self.keys, values)
        places = np.minimum(places, len(self.keys) - 1)
        if not (self.keys[places] == values).all():
            raise DataError(f"{shown(path)} has changed since it was read. Read the source again.")
        return self.classes[places]


class MaskError(Exception):
    """A mask file that cannot be used; the message is the reason."""


def colour_key(colour: int) -> int:
    """Returns the key of a colour (red * 65536 + green * 256 + blue), beyond those of values."""
    return _COLOURS + colour


def colour_of(key: int) -> int | None:
    """Returns the colour of a key, None if it is that of a value."""
    return key - _COLOURS if key >= _COLOURS else None


def read_values(path: Path) -> np.ndarray:
    """Returns what a mask file holds: int32 `[H, W]`, values or keys of colours (`colour_key`).

    The index of a palette is the value, whatever its colour.

    Raises:
        MaskError: No image, a damaged one, one of a lossy format, or one with half-transparent
            pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_regular(path) as file, Image.open(file) as image:
                return _values(image)
    except NotAFileError as error:
        raise MaskError(f"the mask is {error}") from error
    except FileNotFoundError as error:
        raise MaskError("the mask is a broken link") from error
    except Image.UnidentifiedImageError as error:
        raise MaskError("the mask is no image") from error
    except READ_ERRORS as error:
        text = " ".join(str(error).split())[:160]
        raise MaskError(f"the mask is damaged: {text or type(error).__name__}") from error


def _values(image: Image.Image) -> np.ndarray:
    if image.format in _LOSSY:
        raise MaskError(
            f"the mask is a {image.format} file, whose compression changes values; save it as PNG"
        )
    tiles = getattr(image, "tile", None)
    few_bits = _FEW_BITS.fullmatch(str(tiles[0][3])) if tiles else None
    image = ImageOps.exif_transpose(image)
    if image.mode in ("1", "P", "L", "I", "I;16", "I;16B", "I;16L", "I;16N"):
        values = np.asarray(image).astype(np.int32)
        return values // (255 // (2 ** int(few_bits[1]) - 1)) if few_bits else values
    if image.mode in ("LA", "PA"):
        _refuse_transparency(np.asarray(image)[..., 1])
        return np.asarray(image)[..., 0].astype(np.int32)
    if image.mode not in ("RGB", "RGBA"):
        raise MaskError(f"a mask of Pillow's mode {image.mode} is not known; save it as 8-bit PNG")
    pixels = np.asarray(image)
    if image.mode == "RGBA":
        _refuse_transparency(pixels[..., 3])
    red, green, blue = (pixels[..., place].astype(np.int32) for place in range(3))
    return (red << 16 | green << 8 | blue) + _COLOURS


def _refuse_transparency(alpha: np.ndarray) -> None:
    if (alpha != alpha.flat[0]).any():
        raise MaskError("the mask has transparent and opaque pixels; save it without transparency")


def key_text(key: int) -> str:
    """Returns a key for a message: a value, or a colour as "R G B"."""
    colour = colour_of(key)
    return str(key) if colour is None else f"{colour >> 16} {colour >> 8 & 255} {colour & 255}"


def voc_colours(count: int) -> list[int]:
    """Returns the first colours of Pascal VOC's colour map, as numbers.

    The bits of a class's number, three at a time, are the highest, next... bits of red, green and
    blue (VOC development kit, VOCcolormap).
    """
    colours = []
    for number in range(count):
        channels, bits = [0, 0, 0], number
        for shift in range(7, -1, -1):
            for channel in range(3):
                channels[channel] |= (bits >> channel & 1) << shift
            bits >>= 3
        colours.append(channels[0] << 16 | channels[1] << 8 | channels[2])
    return colours
