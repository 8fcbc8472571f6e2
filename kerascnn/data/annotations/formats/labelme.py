"""LabelMe JSON: one file for each picture, with shapes in pixels.

Format: https://github.com/wkentaro/labelme. Shapes of one label and one `group_id` are one object.
"""

import base64
import binascii
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.data.annotations.form.names import order_by_file
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import Box
from kerascnn.data.annotations.formats.coco import MISSING
from kerascnn.data.annotations.parsing.files import ANNOTATION_FOLDERS, Pictures
from kerascnn.data.annotations.parsing.json_text import read_json
from kerascnn.data.annotations.parsing.numbers import number
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.data.images.decode import READ_ERRORS
from kerascnn.errors import DataError
from kerascnn.names import shown

_MOST_PIXELS = 2**27  # of a mask that an annotation file asks for
_CIRCLE = 72  # corners of the polygon that a circle becomes


def is_labelme(value: Any) -> bool:
    """Returns whether a JSON value is LabelMe's."""
    return isinstance(value, dict) and isinstance(value.get("shapes"), list)


def read_labelme(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads LabelMe's files. A picture without one is not annotated and not used.

    The order of classes is that of labels.txt, if the source has it, else of the alphabet. The
    label `__ignore__` is a region to ignore, `_background_` is background.
    """
    raw = RawSet()
    roots = [wish.pictures] if wish.pictures else [root]
    pictures = Pictures(roots, raw.tally)
    for split, path in parts:
        try:
            value = read_json(path)
        except DataError as error:
            raw.skipped.append(SkippedFile(path, str(error)))
            continue
        if not is_labelme(value):
            raw.skipped.append(SkippedFile(path, "no JSON of LabelMe: it has no list `shapes`"))
            continue
        name = value.get("imagePath")
        name = name if isinstance(name, str) and name.strip() else path.stem
        near = [path.parent]
        if path.parent.name.lower() in ANNOTATION_FOLDERS:
            near += [path.parent.parent / "images", path.parent.parent]
        picture = pictures.find(name, near) or pictures.find(path.stem, near)
        if picture is None:
            embedded = value.get("imageData")
            inside = "; it is in imageData: save it as a file" if embedded else ""
            raw.skipped.append(SkippedFile(path, f"{MISSING}: {shown(name)}{inside}"))
            continue
        image = RawImage(picture, path.name, split=split)
        width, height = number(value.get("imageWidth")), number(value.get("imageHeight"))
        if width is not None and height is not None:
            image.stated = width, height
        image.objects = _objects(value["shapes"], path, image, raw.tally)
        if wish.task == "segmentation":
            draw_boxes(image, raw.tally, with_outline=True)
        raw.images.append(image)
    order_by_file(raw, [root, root.parent])
    return raw


def _objects(shapes: list[Any], path: Path, image: RawImage, tally: Tally) -> list[RawObject]:
    found: list[RawObject] = []
    groups: dict[tuple[str, str], RawObject] = {}
    for place, shape in enumerate(shapes, 1):
        where = f"shape {place}"
        thing = _object(shape, f"{path.name}: {where}", image, tally)
        if thing is None:
            continue
        thing.where = where
        group = shape.get("group_id")
        key = (thing.name, repr(group))
        grouped = group is not None and shape.get("shape_type", "polygon") != "rectangle"
        if grouped and key in groups and _join(groups[key], thing, image):
            continue
        if grouped:
            groups[key] = thing
        found.append(thing)
    return found


def _join(first: RawObject, second: RawObject, image: RawImage) -> bool:
    """Adds the outline of a shape to the object of the same group; returns whether it could."""
    outlines = first.outline, second.outline
    size = canvas_size(image)
    if isinstance(first.outline, Polygons) and isinstance(second.outline, Polygons):
        first.outline = Polygons((*first.outline.rings, *second.outline.rings), with_outline=True)
    elif None in outlines or size is None:
        return False
    else:
        masks = [
            outline.mask(*size) if isinstance(outline, Polygons) else outline.mask()
            for outline in outlines
            if outline is not None
        ]
        first.outline = Rle.from_mask(masks[0] | masks[1])
    first.box = None
    return True


def _object(shape: Any, where: str, image: RawImage, tally: Tally) -> RawObject | None:
    label = shape.get("label") if isinstance(shape, dict) else None
    if not isinstance(label, (str, int)) or not str(label).strip():
        tally.add("shapes without a label, dropped", where)
        return None
    corners = _corners(shape.get("points"))
    kind = shape.get("shape_type") or "polygon"
    kind = kind if isinstance(kind, str) else repr(kind)
    needed = {"rectangle": 2, "circle": 2, "mask": 2, "polygon": 3}.get(kind)
    if needed is None:
        tally.add(f"shapes of type {shown(kind)}, which have no area, dropped", where)
        return None
    if corners is None or len(corners) < needed:
        tally.add(f"shapes of type {kind} without {needed} finite points, dropped", where)
        return None
    difficult = shape.get("difficult") is True
    thing = RawObject(str(label), None, difficult=difficult)
    if kind == "rectangle":
        thing.box = _around(corners)
    elif kind == "circle":
        radius = math.dist(corners[0], corners[1])
        thing.outline = ellipse(corners[0][0], corners[0][1], radius, radius)
    elif kind == "mask":
        thing.box = _around(corners)
        thing.outline = _painted(shape.get("mask"), thing.box, image)
        if thing.outline is None:
            tally.add("painted masks that cannot be read, dropped (the box stays)", where)
    else:
        thing.outline = Polygons((np.array(corners),), with_outline=True)
    return thing


def _corners(values: Any) -> list[tuple[float, float]] | None:
    if not isinstance(values, list):
        return None
    found = []
    for value in values:
        if not isinstance(value, list) or len(value) != 2:
            return None
        x, y = map(number, value)
        if x is None or y is None:
            return None
        found.append((x, y))
    return found


def _around(corners: list[tuple[float, float]]) -> Box:
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)


def draw_boxes(image: RawImage, tally: Tally, with_outline: bool = False) -> None:
    """Gives rectangles an outline, for tools with which masks are drawn as rectangles too."""
    for thing in image.objects:
        if thing.box is not None and thing.outline is None:
            x0, y0, x1, y1 = thing.box
            corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
            thing.outline = Polygons((corners,), with_outline)
            tally.add("rectangles, drawn as masks", f"{image.where}: {thing.where}")


def canvas_size(image: RawImage) -> tuple[int, int] | None:
    """Returns the stated height and width of a picture, None if no mask can have that size."""
    if image.stated is None:
        return None
    width, height = (int(side) for side in image.stated)
    return (height, width) if min(width, height) > 0 and width * height <= _MOST_PIXELS else None


def ellipse(x: float, y: float, across: float, down: float, turned: float = 0) -> Polygons:
    """Returns an ellipse as a polygon: its middle, its half axes, and by how far it is turned."""
    angles = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
    points = np.stack([across * np.cos(angles), down * np.sin(angles)], axis=1)
    cos, sin = math.cos(turned), math.sin(turned)
    return Polygons((points @ np.array([[cos, sin], [-sin, cos]]) + (x, y),), with_outline=True)


def _painted(value: Any, box: Box, image: RawImage) -> Rle | None:
    """Returns the mask that a shape holds as a PNG of its box, in base64."""
    size = canvas_size(image)
    if not isinstance(value, str) or size is None:
        return None
    try:
        with Image.open(
            io.BytesIO(base64.b64decode(value, validate=True)), formats=["PNG"]
        ) as file:
            part = np.asarray(file.convert("L")) > 0
    except (binascii.Error, *READ_ERRORS):
        return None
    left, top = round(box[0]), round(box[1])
    if min(left, top) < 0:
        return None
    mask = np.zeros(size, np.uint8)
    room = mask[top : top + part.shape[0], left : left + part.shape[1]]
    room[...] = part[: room.shape[0], : room.shape[1]]
    return Rle.from_mask(mask) if mask.any() else None
