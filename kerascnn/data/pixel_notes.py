"""What to say of the pixels of a source: deep ones, frames, images decoded smaller."""

import math
from collections.abc import Sequence

from kerascnn.data.images.decode import Header, UnreadableImage
from kerascnn.data.images.deep_pixels import PixelRange, Values, number

Found = tuple[tuple[str, ...], tuple[str, ...]]
# Of the 256 grey levels: fewer, and the range of the pixels is hardly the one they were read by.
FEW_LEVELS = 128
EIGHT_BITS_ONLY = "the pixel range is not used: all images have 8 bits"


def of_pixels(headers: Sequence[Header | UnreadableImage], pixel_range: PixelRange | None) -> Found:
    """Returns notes and warnings on images that were decoded, or could not be for want of a range.

    Args:
        headers: Of every file, its header as decoding it gives it, or its fault.
        pixel_range: The one that was asked for.
    """
    good = [header for header in headers if isinstance(header, Header)]
    deep = [header.values for header in good if header.values is not None]
    lost = [fault.values for fault in headers if isinstance(fault, UnreadableImage)]
    without_range = [values for values in lost if values is not None]
    notes, warnings = [], []
    if without_range:
        low, high = _ends(without_range)
        floats = any(values.floats for values in without_range)
        kind = "floating-point" if floats else "integer"
        warnings.append(
            f"{len(without_range)} image(s) skipped: {kind} pixels from {number(low)} to "
            f"{number(high)} have no fixed range. Give the one that shall become 0..255: "
            f"{_suggest(low, high, floats)}"
        )
    if pixel_range is not None:
        notes += _of_a_range(deep, len(good), pixel_range, warnings)
    elif deep:
        low, high = _ends(deep)
        first, last = deep[0].read_as
        became = f"read as {number(first)} to {number(last)}"
        what = f"{len(deep)} image(s) have 16-bit pixels"
        if low < high and (levels := _levels(deep)) < FEW_LEVELS:
            warnings.append(
                f"{what} with values from {number(low)} to {number(high)}: {became}, they keep "
                f"{levels} of 256 levels. Give the range that shall become 0..255: "
                f"{_suggest(low, high, floats=False)}"
            )
        else:
            notes.append(f"{what}, {became}")
    frames = sum(header.frames for header in good)
    if frames:
        notes.append(f"{frames} image(s) have further frames or pages: the first was taken")
    shrunk = sum(header.scale > 1 for header in good)
    if shrunk:
        notes.append(f"{shrunk} very large JPEG(s) were decoded at a half of their size or less")
    return tuple(notes), tuple(warnings)


def _of_a_range(
    deep: Sequence[Values], images: int, pixel_range: PixelRange, warnings: list[str]
) -> list[str]:
    name = f"pixel range {number(pixel_range[0])} to {number(pixel_range[1])}"
    if not deep:
        return [EIGHT_BITS_ONLY]
    low, high = _ends(deep)
    notes = [f"{name} became 0..255 in {len(deep)} of {images} image(s)"]
    outside = [v for v in deep if v.low < pixel_range[0] or v.high > pixel_range[1]]
    if outside:
        notes.append(
            f"{len(outside)} image(s) have pixels outside the range, which were cut: values are "
            f"{number(low)} to {number(high)}"
        )
    if low < high and (levels := _levels(deep)) < FEW_LEVELS:
        warnings.append(
            f"{name}: the values of {len(deep)} image(s), {number(low)} to {number(high)}, keep "
            f"{levels} of 256 levels. A range that fits them: {_suggest(low, high, deep[0].floats)}"
        )
    return notes


def _ends(values: Sequence[Values]) -> tuple[float, float]:
    return min(found.low for found in values), max(found.high for found in values)


def _levels(values: Sequence[Values]) -> int:
    """How many of the 256 levels lie between the lowest and the highest pixel of all images."""
    most = 0.0
    for read_as in {found.read_as for found in values}:
        low, high = _ends([found for found in values if found.read_as == read_as])
        first, last = read_as
        most = max(most, (min(high, last) - max(low, first)) * 255 / (last - first))
    return math.floor(most) + 1


def _suggest(low: float, high: float, floats: bool) -> str:
    """The option with a round range that holds the values: a power of two, or one digit."""
    first = -_rounded_up(-low, floats) if low < 0 else 0.0
    last = _rounded_up(high, floats) if high > 0 else 0.0
    last = first + 1 if first == last else last
    ends = number(first), number(last)
    return f"pixel_range=({ends[0]}, {ends[1]}), --pixel-range {ends[0]},{ends[1]}"


def _rounded_up(value: float, floats: bool) -> float:
    if floats:
        unit = 10.0 ** math.floor(math.log10(value))
        return math.ceil(round(value / unit, 6)) * unit
    return float(2 ** math.ceil(math.log2(value + 1)) - 1)
