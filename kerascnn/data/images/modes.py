"""Bringing any Pillow image to 8-bit grey or RGB, the two kinds of pixels a model takes."""

from PIL import Image

from kerascnn.data.images.deep_pixels import (
    DEEP_GREY_MODES,
    PixelRange,
    grey_to_eight_bits,
    in_strips,
)
from kerascnn.errors import InputError

GREY_MODES = DEEP_GREY_MODES | {"1", "L", "LA", "La"}
ORIENTATION = 0x0112  # tag of EXIF
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Where Pillow looks for the orientation, in an image's `info`.
_ORIENTED_BY = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
_WHITE = (255, 255, 255, 255)


def check_channels(channels: int) -> int:
    """Returns `channels` if it is 1 (grey) or 3 (RGB), else raises InputError."""
    if isinstance(channels, bool) or channels not in (1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (RGB). Received: {channels!r}.")
    return int(channels)


def to_mode(
    image: Image.Image, channels: int, pixel_range: PixelRange | None = None
) -> Image.Image:
    """Returns `image` upright (EXIF orientation applied) in mode "L" or "RGB".

    Transparency is composited over white; 16-bit grey is divided by 257, so that 65535 becomes
    255, and of 16-bit colours Pillow keeps the high bytes; palettes, CMYK, YCbCr and LAB go
    through RGB.

    Args:
        image: Of any mode.
        channels: 1 for grey, 3 for RGB.
        pixel_range: The values of grey pixels with more than 8 bits that become 0 and 255.

    Raises:
        DataError: Without a range, pixels that have none by themselves (floating point, or 32-bit
            integers that leave 0..65535), so that no 8-bit image follows from them.
    """
    image = upright(image)
    if image.mode in DEEP_GREY_MODES:
        image = grey_to_eight_bits(image, pixel_range)[0]
    return to_channels(image, channels)


def upright(image: Image.Image) -> Image.Image:
    """Returns `image` turned as its EXIF orientation says, itself if that is no turn."""
    method = _UPRIGHT.get(orientation(image))
    if method is None:
        return image
    image = image.transpose(method)
    for key in _ORIENTED_BY:
        image.info.pop(key, None)
    return image


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8, of an image that Pillow has not turned by itself."""
    found = image.getexif().get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def to_channels(image: Image.Image, channels: int) -> Image.Image:
    """Returns an image of 8-bit pixels in mode "L" or "RGB"."""
    mode = {1: "L", 3: "RGB"}[check_channels(channels)]
    if image.mode == mode and not image.has_transparency_data:
        return image
    return in_strips(image, mode, lambda strip: _converted(strip, mode))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, _WHITE)
        image = Image.alpha_composite(canvas, image).convert("RGB")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image if image.mode == mode else image.convert(mode)
