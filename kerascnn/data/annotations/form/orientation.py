"""EXIF orientation, and annotations that were drawn before it was applied.

A camera stores pixels as the sensor gave them and says in EXIF how to turn them. Some annotation
tools turn the picture and some do not; the width and height that an annotation states tell which.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.data.images.decode import READ_ERRORS
from kerascnn.files import open_regular

_ORIENTATION = 0x0112
# Stated sizes count as a scaled copy of the picture if both factors agree this well, or as well
# as rounding to whole pixels allows.
_LIKENESS = 0.01


@dataclass(frozen=True, slots=True)
class Placement:
    """How stated coordinates become pixels of the upright picture: scaled, then turned.

    `width` and `height` are those of the picture as stored, before it is turned.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    orientation: int = 1
    width: float = 0.0
    height: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self.scale_x == self.scale_y == 1 and self.orientation == 1

    def points(self, points: np.ndarray) -> np.ndarray:
        """Returns moved points `[k, 2]` of x and y."""
        x, y = points[:, 0] * self.scale_x, points[:, 1] * self.scale_y
        if self.orientation in (2, 3, 7, 8):
            x = self.width - x
        if self.orientation in (3, 4, 6, 7):
            y = self.height - y
        return np.stack([y, x] if self.orientation >= 5 else [x, y], axis=1)

    def box(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Returns a moved box (x0, y0, x1, y1)."""
        corners = self.points(np.array(box, np.float64).reshape(2, 2))
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return x0, y0, x1, y1


def exif_orientation(path: Path, upright: tuple[int, int]) -> int:
    """Returns the EXIF orientation of an image file, 1 to 8; 1 for none or an invalid one.

    Args:
        path: The file.
        upright: Width and height of the picture once upright.
    """
    try:
        with open_regular(path) as file, Image.open(file) as image:
            # Pillow decodes a PNG to look for EXIF behind its pixels: only if they are turned.
            known = image.format != "PNG" or "exif" in image.info or image.size != upright
            if not known:
                return 1
            value = image.getexif().get(_ORIENTATION)
    except READ_ERRORS:
        return 1
    return value if isinstance(value, int) and 2 <= value <= 8 else 1


def turn(mask: np.ndarray, orientation: int) -> np.ndarray:
    """Returns `[H, W]` pixels upright, as Pillow's `exif_transpose` does."""
    if orientation in (2, 3, 7, 8):
        mask = mask[:, ::-1]
    if orientation in (3, 4, 6, 7):
        mask = mask[::-1]
    return mask.T if orientation >= 5 else mask


def same_shape(width: float, height: float, other_width: float, other_height: float) -> bool:
    """Returns whether two sizes are one picture at two scales, within rounding to whole pixels."""
    x, y = other_width / width, other_height / height
    rounding = 1 / min(width, height, other_width, other_height)
    return abs(x / y - 1) <= max(_LIKENESS, min(rounding, 0.1))


def place(
    stated: tuple[float, float], picture: tuple[int, int], orientation: int
) -> Placement | None:
    """Returns how coordinates in a picture of a stated size lie in the upright picture.

    Args:
        stated: The annotation's own width and height.
        picture: Width and height of the upright picture.
        orientation: The EXIF orientation of its file.

    Returns:
        None if the stated size fits the picture neither upright nor as stored.
    """
    width, height = picture
    if stated == picture:
        return Placement()
    if orientation >= 5 and stated == (height, width):
        return Placement(orientation=orientation, width=height, height=width)
    if same_shape(*stated, width, height):
        return Placement(width / stated[0], height / stated[1], width=width, height=height)
    if orientation >= 5 and same_shape(*stated, height, width):
        scales = height / stated[0], width / stated[1]
        return Placement(*scales, orientation, width=height, height=width)
    return None
