"""Run-length encoding of masks, in COCO's form: down the columns, beginning with background."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Rle:
    """A mask of `height` x `width` pixels as the lengths of its runs.

    Attributes:
        height: Rows of the mask.
        width: Columns of the mask.
        counts: int64 `[runs]`, lengths of runs of background and object in turn, background
            first, going down the columns from left to right. They add up to all pixels.
    """

    height: int
    width: int
    counts: np.ndarray

    def __post_init__(self) -> None:
        if (self.counts < 0).any() or self.counts.sum() != self.height * self.width:
            raise InputError(
                f"a run-length encoding must hold {self.height}x{self.width} pixels. Received runs "
                f"of {self.counts.sum()} in all."
            )

    @classmethod
    def from_mask(cls, mask: np.ndarray) -> "Rle":
        """Encodes a mask `[H, W]`: whatever is not 0 belongs to the object."""
        height, width = mask.shape
        pixels = np.concatenate([[False], (mask != 0).T.ravel(), [False]])
        ends = np.flatnonzero(pixels[1:] != pixels[:-1])
        if len(ends) % 2:  # cannot be: padded by background on both sides
            raise InputError("a mask must have two dimensions.")
        bounds = np.concatenate([[0], ends, [height * width]])
        counts = np.diff(bounds)
        return cls(height, width, counts[:-1] if counts[-1] == 0 and len(counts) > 1 else counts)

    @classmethod
    def from_coco(cls, value: Any) -> "Rle | None":
        """Reads COCO's `{"size": [height, width], "counts": list or text}`; None if it is none."""
        size, counts = (
            (value.get("size"), value.get("counts")) if isinstance(value, dict) else (0, 0)
        )
        if not isinstance(size, list) or len(size) != 2:
            return None
        if not all(type(side) is int and 0 < side < 2**31 for side in size):
            return None
        if isinstance(counts, str):
            decoded = _decompress(counts)
        elif isinstance(counts, list) and all(type(count) is int for count in counts):
            decoded = counts
        else:
            return None
        if decoded is None or min(decoded, default=-1) < 0 or sum(decoded) != size[0] * size[1]:
            return None
        return cls(size[0], size[1], np.array(decoded, np.int64))

    def to_coco(self, compressed: bool = True) -> dict[str, Any]:
        """Returns COCO's form, with the counts as text unless `compressed` is False."""
        counts = self.counts.tolist()
        return {
            "size": [self.height, self.width],
            "counts": _compress(counts) if compressed else counts,
        }

    def mask(self) -> np.ndarray:
        """Returns the mask as uint8 `[H, W]` of 0 and 1."""
        values = (np.arange(len(self.counts)) & 1).astype(np.uint8)
        return np.repeat(values, self.counts).reshape(self.width, self.height).T

    @property
    def area(self) -> int:
        """Pixels of the object."""
        return int(self.counts[1::2].sum())

    def box(self) -> tuple[float, float, float, float] | None:
        """Returns the smallest box (x0, y0, x1, y1) around the object; None if it is empty."""
        ends = np.cumsum(self.counts)
        starts, stops = ends[0::2][: len(ends) // 2], ends[1::2]
        starts, stops = starts[stops > starts], stops[stops > starts]
        if not len(starts):
            return None
        first, last = starts // self.height, (stops - 1) // self.height
        if (first != last).any():  # a run over the end of a column touches both borders
            top, bottom = 0, self.height
        else:
            top, bottom = (
                int((starts % self.height).min()),
                int(((stops - 1) % self.height).max()) + 1,
            )
        return float(first.min()), float(top), float(last.max() + 1), float(bottom)


def _decompress(text: str) -> list[int] | None:
    """COCO's text form: 5 bits a character, low bits first, differences from the third run on."""
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    return None if shift else counts


def _compress(counts: list[int]) -> str:
    letters = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            bits = value & 31
            value >>= 5
            done = value == (-1 if bits & 16 else 0)
            letters.append(chr(48 + (bits if done else bits | 32)))
            if done:
                break
    return "".join(letters)
