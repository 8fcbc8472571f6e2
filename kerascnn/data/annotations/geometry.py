"""Where stated boxes and outlines lie in the decoded picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from kerascnn.data.annotations.form.orientation import Placement, place, turn
from kerascnn.data.annotations.form.pictures import Picture
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import Box
from kerascnn.data.annotations.parsing.tally import Tally

_LEAST = 1e-3  # pixels of a side; less is no box
_NOISE = 1e-6  # share of a side by which rounding may reach out of the picture
_SLACK = 1.02  # of a stated size that boxes may reach before it is held to be wrong
_FARTHEST = 100  # pictures away: nobody drew a corner there, and to fill the polygon takes long

ZERO = "annotations that state width or height 0: the picture's own size taken"
TURNED = "pictures annotated before their EXIF orientation was applied: annotations turned"
UPRIGHT = "pictures with an EXIF orientation, annotated on the upright picture"
ASSUMED = (
    "pictures with an EXIF orientation whose annotations do not tell whether they follow it: taken "
    "as drawn on the upright picture"
)
SCALED = "pictures of another size than annotated, with the same aspect ratio: annotations scaled"
MISSTATED = (
    "annotations whose width and height are not those of the picture, while all boxes fit the "
    "picture: its own size taken"
)


def placements(
    images: Sequence[RawImage], pictures: Sequence[Picture], tally: Tally
) -> list[Placement | str]:
    """Returns how the coordinates of each image are to be moved, or why they cannot be used."""
    found = [_place(*pair, tally) for pair in zip(images, pictures, strict=True)]
    unexplained = [row for row, placement in enumerate(found) if placement is None]
    fit = all(
        _fits(images[row], (pictures[row].width, pictures[row].height)) for row in unexplained
    )
    result: list[Placement | str] = []
    for image, picture, placement in zip(images, pictures, found, strict=True):
        if placement is not None:
            result.append(placement)
        elif fit:
            tally.add(MISSTATED, image.where)
            result.append(Placement())
        else:
            width, height = image.stated or (0, 0)
            result.append(
                f"its annotation is for a picture of {width:g}x{height:g} pixels, the picture has "
                f"{picture.width}x{picture.height}"
            )
    return result


def _place(image: RawImage, picture: Picture, tally: Tally) -> Placement | None:
    size = picture.width, picture.height
    stated = image.stated
    if stated is not None and min(stated) <= 0:
        if image.objects:
            tally.add(ZERO, image.where)
        stated = None
    if image.fractions or stated is None or not image.objects:
        if picture.orientation > 1 and image.objects:
            tally.add(ASSUMED, image.path.name)
        return Placement()
    placement = place(stated, size, picture.orientation)
    if placement is None:
        return None
    if placement.orientation > 1:
        tally.add(TURNED, image.path.name)
    elif picture.orientation > 1:
        square = picture.width == picture.height
        told = picture.orientation >= 5 and not square
        tally.add(UPRIGHT if told else ASSUMED, image.path.name)
    if placement.scale_x != 1 or placement.scale_y != 1:
        if not _fits(image, stated):  # the boxes are not in the stated picture: it is misstated
            if _fits(image, size):
                tally.add(MISSTATED, image.where)
                return Placement()
            return None
        tally.add(SCALED, image.path.name)
    return placement


def _fits(image: RawImage, size: tuple[float, float]) -> bool:
    """Returns whether all boxes end within a picture of that size, or nearly."""
    boxes = [box for thing in image.objects if (box := stated_box(thing))]
    right = max((box[2] for box in boxes), default=0)
    bottom = max((box[3] for box in boxes), default=0)
    return right <= size[0] * _SLACK + 1 and bottom <= size[1] * _SLACK + 1


def stated_box(thing: RawObject) -> Box | None:
    """Returns the box of an object as stated, or that around its outline."""
    if thing.box is not None or thing.outline is None:
        return thing.box
    return thing.outline.box()


@dataclass(frozen=True)
class Mover:
    """Moves the objects of one image into the decoded picture and counts what is mended."""

    image: RawImage
    picture: Picture
    placement: Placement
    tally: Tally

    def box(self, thing: RawObject) -> Box | None:
        """Returns the box of an object in pixels, clipped to the picture; None if none is left."""
        box = stated_box(thing)
        where = self.where(thing)
        if box is None:
            self.tally.add("objects without a box or an outline, dropped", where)
            return None
        width, height = self.picture.width, self.picture.height
        x0, y0, x1, y1 = box
        if self.image.fractions:
            x0, y0, x1, y1 = x0 * width, y0 * height, x1 * width, y1 * height
        if x1 - x0 < _LEAST or y1 - y0 < _LEAST:
            self.tally.add("boxes without area, dropped", where)
            return None
        if not self.placement.is_identity:
            x0, y0, x1, y1 = self.placement.box((x0, y0, x1, y1))
        if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
            return x0, y0, x1, y1
        clipped = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
        if clipped[2] - clipped[0] < _LEAST or clipped[3] - clipped[1] < _LEAST:
            self.tally.add("boxes outside of their picture, dropped", where)
            return None
        over = max(-x0 / width, -y0 / height, x1 / width - 1, y1 / height - 1)
        if over > _NOISE:
            self.tally.add("boxes that reach out of their picture, clipped", where)
        return clipped

    def where(self, thing: RawObject) -> str:
        """Returns where an object stands, for messages."""
        return f"{self.image.where}: {thing.where}" if thing.where else self.image.where

    def area(self, thing: RawObject) -> float | None:
        """Returns the stated area in pixels of the picture."""
        if thing.area is None or thing.area <= 0:
            return None
        return thing.area * self.placement.scale_x * self.placement.scale_y

    def outline(self, thing: RawObject) -> Polygons | Rle | None:
        """Returns the outline of an object in pixels of the picture."""
        if isinstance(thing.outline, Polygons):
            return self._polygons(thing.outline, thing)
        return None if thing.outline is None else self._runs(thing.outline, thing)

    def _polygons(self, outline: Polygons, thing: RawObject) -> Polygons | None:
        rings = outline.rings
        if self.image.fractions:
            rings = tuple(ring * (self.picture.width, self.picture.height) for ring in rings)
        if not self.placement.is_identity:
            rings = tuple(self.placement.points(ring) for ring in rings)
        farthest = _FARTHEST * max(self.picture.width, self.picture.height)
        near = tuple(ring for ring in rings if max(ring.max(), -ring.min()) <= farthest)
        if len(near) < len(rings):
            self.tally.add("polygons far outside of their picture, dropped", self.where(thing))
        return Polygons(near, outline.with_outline) if near else None

    def _runs(self, runs: Rle, thing: RawObject) -> Rle | None:
        size = self.picture.height, self.picture.width
        if (runs.height, runs.width) == size and self.placement.orientation == 1:
            return runs
        stated = self.image.stated
        if stated is None or (runs.width, runs.height) != stated:
            self.tally.add(
                "run-length masks of another size than their picture, dropped", self.where(thing)
            )
            return None
        mask = np.ascontiguousarray(turn(runs.mask(), self.placement.orientation))
        fitted = Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST)
        return Rle.from_mask(np.asarray(fitted))
