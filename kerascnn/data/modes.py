"""Bringing any Pillow image to 8-bit grey or RGB, the two kinds of pixels a model takes."""

import numpy as np
from PIL import Image, ImageOps

from kerascnn.errors import DataError, InputError

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"})
_DEEP_GREY_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
_WHITE = (255, 255, 255, 255)


def check_channels(channels: int) -> int:
    """Returns `channels` if it is 1 (grey) or 3 (RGB), else raises InputError."""
    if isinstance(channels, bool) or channels not in (1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (RGB), received {channels!r}.")
    return int(channels)


def to_mode(image: Image.Image, channels: int) -> Image.Image:
    """Returns `image` upright (EXIF orientation applied) in mode "L" or "RGB".

    Transparency is composited over white; 16-bit grey is divided by 257, so that 65535 becomes
    255; palettes, CMYK, YCbCr and LAB go through RGB.

    Raises:
        DataError: the pixels have no fixed range (floating point, or 32-bit integers that
            leave 0..65535), so no 8-bit image follows from them.
    """
    mode = {1: "L", 3: "RGB"}[check_channels(channels)]
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise DataError("floating-point pixels have no fixed range; save the image with 8 bits")
    if image.mode in _DEEP_GREY_MODES:
        image = _eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, _WHITE)
        image = Image.alpha_composite(canvas, image).convert("RGB")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Returns a 16-bit grey image (possibly held in 32-bit integers) in mode "L"."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise DataError(
            f"integer pixels from {values.min()} to {values.max()} leave the 16-bit range 0..65535;"
            " save the image with 8 or 16 bits"
        )
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))
