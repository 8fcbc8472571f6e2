"""Pixels of more than 8 bits: which range of them becomes 0..255."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from kerascnn.errors import DataError, InputError

PixelRange = tuple[float, float]
DEEP_GREY_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
_SIXTEEN_BITS = (0.0, 65535.0)
STRIP = 2**20  # pixels that are converted at a time


class NoRangeError(DataError):
    """Pixels without a fixed range, of which no 8-bit image follows; has the values found."""

    def __init__(self, values: "Values"):
        what = "floating-point pixels" if values.floats else "integer pixels"
        super().__init__(
            f"{what} from {number(values.low)} to {number(values.high)} have no fixed range; give "
            "the one that shall become 0..255 as pixel_range (--pixel-range LOW,HIGH), or save the "
            "image with 8 bits"
        )
        self.values = values


@dataclass(frozen=True)
class Values:
    """The lowest and highest pixel of an image of more than 8 bits.

    `read_as` are the values that became 0 and 255.
    """

    low: float
    high: float
    floats: bool = False
    read_as: PixelRange = _SIXTEEN_BITS


def check_pixel_range(pixel_range: Sequence[float] | None) -> PixelRange | None:
    """Returns the range as (low, high); raises InputError unless both are numbers, low < high."""
    if pixel_range is None:
        return None
    pair = tuple(pixel_range) if isinstance(pixel_range, (tuple, list)) else ()
    numbers = all(
        isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        for value in pair
    )
    if len(pair) != 2 or not numbers or not -math.inf < pair[0] < pair[1] < math.inf:
        raise InputError(
            "pixel_range must be two numbers, the lower one first, such as (0, 4095). "
            f"Received: {str(pixel_range)[:60]}."
        )
    return float(pair[0]), float(pair[1])


def grey_to_eight_bits(
    image: Image.Image,
    pixel_range: PixelRange | None,
    *,
    bits: int | None = None,
    unsigned: bool = False,
    inverted: bool = False,
) -> tuple[Image.Image, Values]:
    """Returns a deep grey image in mode "L", and the values that it had.

    Args:
        image: In one of DEEP_GREY_MODES.
        pixel_range: The values that become 0 and 255; what lies outside is cut. None takes 0 and
            65535, or 0 and 4095 where the file says that it has 12 bits.
        bits: Of a sample, where the file says it.
        unsigned: Whether 32-bit integers are without a sign, which Pillow takes them to have.
        inverted: Whether 0 is white.

    Raises:
        NoRangeError: Without a range, floating-point numbers or integers outside 0..65535.
        DataError: Pixels that are not finite numbers.
    """
    floats = image.mode == "F"
    fixed = pixel_range or ((0.0, 4095.0) if bits == 12 else _SIXTEEN_BITS)
    key = image.info.get("transparency")
    low, high, bad = math.inf, -math.inf, 0

    def convert(strip: Image.Image) -> Image.Image:
        nonlocal low, high, bad
        values = np.asarray(strip)
        if image.mode == "I" and bits == 32 and unsigned:
            values = values.view(np.uint32)
        if floats and not np.isfinite(values).all():
            bad += int((~np.isfinite(values)).sum())
            return strip.convert("L")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        eight = _scaled(values, fixed)
        if inverted:
            eight = 255 - eight
        if isinstance(key, int):
            eight[values == key] = 255  # transparent shows white
        return Image.fromarray(eight)

    result = in_strips(image, "L", convert)
    if bad:
        raise DataError(f"{bad:,} pixel(s) are not finite numbers (NaN or infinite)")
    found = Values(low, high, floats, fixed)
    if pixel_range is None and (floats or low < 0 or high > 65535):
        raise NoRangeError(found)
    return result, found


def colour_to_eight_bits(
    high_bytes: Image.Image, low_bytes: Image.Image, pixel_range: PixelRange
) -> tuple[Image.Image, Values]:
    """Returns an image of 16 bits per colour in mode "RGB" or "RGBA", and the values it had.

    Args:
        high_bytes: The image as Pillow decodes it, in mode "RGB" or "RGBA".
        low_bytes: The same file, decoded by `load_low_bytes`.
        pixel_range: The values that become 0 and 255. Transparency keeps its 16 bits' range.
    """
    table = _scaled(np.arange(65536), pixel_range)
    low, high = 65535, 0
    result = Image.new(high_bytes.mode, high_bytes.size)
    for box in _boxes(high_bytes):
        eight = np.array(high_bytes.crop(box))
        low_part = np.asarray(low_bytes.crop(box))[..., :3]
        values = (eight[..., :3].astype(np.uint16) << 8) | low_part
        low, high = min(low, int(values.min())), max(high, int(values.max()))
        eight[..., :3] = table[values]
        result.paste(Image.fromarray(eight), box)
    return result, Values(low, high, read_as=pixel_range)


def high_byte_values(image: Image.Image) -> Values:
    """Returns about the values of an image of 16 bits per colour of which Pillow keeps 8."""
    extrema = np.array(image.getextrema())[: 3 if image.mode.startswith("RGB") else None]
    low, high = int(extrema[:, 0].min()), int(extrema[:, 1].max())
    return Values(low * 256, high * 256 + 255)


def raw_mode(image: Image.Image) -> str:
    """Returns Pillow's name for how the pixels of an opened image are stored; "" if it has none."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ""
    arguments = tiles[0][3]
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def has_deep_colour(image: Image.Image) -> bool:
    """Returns whether an opened image has 16 bits per colour, of which Pillow keeps 8."""
    return image.mode not in DEEP_GREY_MODES and ";16" in raw_mode(image)


def load_low_bytes(image: ImageFile.ImageFile) -> Image.Image:
    """Loads an opened image of 16 bits per colour, and returns the bytes that Pillow drops.

    Its decoder takes the first or the second byte of each pair, as the byte order says: told the
    other order, it takes the other byte. Of grey with transparency it is told four bytes a pixel.

    Raises:
        DataError: A layout for which there is no such other one.
    """
    mode = raw_mode(image)
    name, _, order = mode.partition(";16")
    other = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}.get(order)
    if mode == "LA;16B":
        image.tile = [_with_raw_mode(tile, "RGBA") for tile in image.tile]
        image.load()
        return Image.merge("RGB", [image.getchannel("G")] * 3)
    if name not in ("RGB", "RGBA", "RGBX") or other is None:
        raise DataError(
            f"16-bit pixels stored as {mode} cannot be brought to a range; save the image as RGB"
        )
    image.tile = [_with_raw_mode(tile, f"{name};16{other}") for tile in image.tile]
    image.load()
    return image


def in_strips(
    image: Image.Image, mode: str, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Returns what `convert` makes of an image, done to a few rows at a time to save memory."""
    boxes = list(_boxes(image))
    if len(boxes) == 1:
        return convert(image)
    result = Image.new(mode, image.size)
    for box in boxes:
        result.paste(convert(image.crop(box)), box)
    return result


def _boxes(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    rows = max(1, STRIP // max(1, image.width))
    for top in range(0, image.height, rows):
        yield (0, top, image.width, min(top + rows, image.height))


def _with_raw_mode(tile: Any, mode: str) -> Any:
    arguments = (mode, *tile[3][1:]) if isinstance(tile[3], tuple) else mode
    values = (*tile[:3], arguments)
    return tile._make(values) if hasattr(tile, "_make") else values


def _scaled(values: np.ndarray, pixel_range: PixelRange) -> np.ndarray:
    low, high = pixel_range
    if values.dtype.kind == "u" and values.itemsize == 2:
        return _scaled(np.arange(65536), pixel_range)[values]
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    return np.floor(scaled.clip(0, 255) + 0.5).astype(np.uint8)


def number(value: float) -> str:
    """Returns a number as text: whole ones in full, others to four digits."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"
