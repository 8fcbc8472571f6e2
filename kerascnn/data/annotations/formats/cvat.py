"""CVAT XML ("CVAT for images 1.1"): one file with boxes, polygons, ellipses and masks.

Format: https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/. Coordinates are pixels.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.formats.coco import MISSING
from kerascnn.data.annotations.formats.labelme import canvas_size, draw_boxes, ellipse
from kerascnn.data.annotations.parsing.files import ANNOTATION_FOLDERS, Pictures, split_of_name
from kerascnn.data.annotations.parsing.numbers import number, points, whole_number
from kerascnn.data.annotations.parsing.xml_text import read_xml
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import shown

_SHAPES = ("box", "polygon", "ellipse", "mask")
_WITHOUT_AREA = ("polyline", "points", "cuboid", "skeleton", "tag")


def read_cvat(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads CVAT's files of single images.

    Raises:
        DataError: A file that is none of CVAT's, or one of a video (tracks).
    """
    raw = RawSet()
    names: list[str] = []
    for split, path in parts:
        element = read_xml(path)
        if element.tag != "annotations" or element.find("track") is not None:
            raise DataError(
                f"{shown(path)} is no XML of CVAT for images. Expected <annotations> with <image>, "
                'and no <track>. Export it from CVAT as "CVAT for images 1.1".'
            )
        names += [label.text.strip() for label in element.iterfind(".//label/name") if label.text]
        roots = [wish.pictures] if wish.pictures else [path.parent, path.parent / "images", root]
        if not wish.pictures and path.parent.name.lower() in ANNOTATION_FOLDERS:
            roots.append(path.parent.parent)
        pictures = Pictures(roots, raw.tally, split)
        for item in element.iterfind("image"):
            name = item.get("name", "")
            picture = pictures.find(name, roots[:2])
            if picture is None:
                raw.skipped.append(SkippedFile(Path(name), f"{MISSING} (named in {path.name})"))
                continue
            own = split_of_name(item.get("subset", "")) or split
            image = RawImage(picture, path.name, split=own)
            width, height = number(item.get("width")), number(item.get("height"))
            if width is not None and height is not None:
                image.stated = width, height
            image.objects = _objects(item, name, image, raw)
            if wish.task == "segmentation":
                draw_boxes(image, raw.tally)
            raw.images.append(image)
    raw.names = tuple(dict.fromkeys(names)) or None
    return raw


def _objects(item: ElementTree.Element, name: str, image: RawImage, raw: RawSet) -> list[RawObject]:
    found = []
    for place, shape in enumerate(item, 1):
        where = f"{name}, shape {place}"
        if shape.tag in _WITHOUT_AREA:
            raw.tally.add(f"shapes of type {shape.tag}, which have no area, dropped", where)
        if shape.tag not in _SHAPES:
            continue
        label = (shape.get("label") or "").strip()
        thing = RawObject(label, None, where=where)
        edges = [number(shape.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")]
        x0, y0, x1, y1 = edges if shape.tag == "box" else (None,) * 4
        if x0 is not None and y0 is not None and x1 is not None and y1 is not None:
            thing.box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
        else:
            thing.outline = _outline(shape, image)
        if (number(shape.get("rotation")) or 0) % 360:
            raw.tally.add("rotated shapes, dropped: a box here is upright", where)
        elif not label or (thing.box is None and thing.outline is None):
            raw.tally.add("shapes that cannot be read, dropped", where)
        else:
            found.append(thing)
    return found


def _outline(shape: ElementTree.Element, image: RawImage) -> Polygons | Rle | None:
    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.get("points", "").split(";") if pair.strip()]
        ring = points(pairs)
        return None if ring is None else Polygons((ring,))
    if shape.tag == "ellipse":
        values = [number(shape.get(key)) for key in ("cx", "cy", "rx", "ry")]
        numbers = [value for value in values if value is not None]
        return Polygons(ellipse(*numbers).rings) if len(numbers) == 4 else None
    return _mask(shape, image) if shape.tag == "mask" else None


def _mask(shape: ElementTree.Element, image: RawImage) -> Rle | None:
    """A mask: runs along the rows of its box, beginning with background."""
    place = [whole_number(shape.get(key)) for key in ("left", "top", "width", "height")]
    runs = [whole_number(run) for run in shape.get("rle", "").split(",")]
    size = canvas_size(image)
    if None in place or None in runs or size is None:
        return None
    left, top, across, down = (int(value or 0) for value in place)
    counts = [int(run or 0) for run in runs]
    inside = 0 <= left <= left + across <= size[1] and 0 <= top <= top + down <= size[0]
    if not inside or min(counts) < 0 or sum(counts) != across * down:
        return None
    mask = np.zeros(size, np.uint8)
    values = (np.arange(len(counts)) & 1).astype(np.uint8)
    mask[top : top + down, left : left + across] = np.repeat(values, counts).reshape(down, across)
    return Rle.from_mask(mask) if mask.any() else None
