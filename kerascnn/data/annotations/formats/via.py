"""VIA JSON: the VGG Image Annotator, versions 1 and 2, a list of regions for each picture.

Format: https://www.robots.ox.ac.uk/~vgg/software/via/. Coordinates are pixels.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.form.names import UNNAMED
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.formats.coco import MISSING
from kerascnn.data.annotations.formats.labelme import draw_boxes, ellipse
from kerascnn.data.annotations.parsing.files import ANNOTATION_FOLDERS, Pictures
from kerascnn.data.annotations.parsing.json_text import read_json
from kerascnn.data.annotations.parsing.numbers import number, points
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

_CLASS_ATTRIBUTES = ("class", "label", "name", "type", "category", "object")


def records_of(value: Any) -> list[dict[str, Any]] | None:
    """Returns the record of each picture in a JSON value of VIA, None if it is none of VIA's."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("_via_img_metadata"), dict):
        value = value["_via_img_metadata"]
    records = list(value.values())
    if not records or not all(
        isinstance(record, dict) and "filename" in record and "regions" in record
        for record in records
    ):
        return None
    return records


def read_via(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads VIA's annotations or projects.

    The class of a region is its attribute `class`, `label`, `name`, `type`, `category` or
    `object`, or its only attribute; regions without one are all of one class, "object".

    Raises:
        DataError: A file that is none of VIA's, or regions with several attributes of other names.
    """
    raw = RawSet()
    documents = []
    for split, path in parts:
        records = records_of(read_json(path))
        if records is None:
            raise DataError(
                f"{shown(path)} is no JSON of VIA. Expected, for each picture, an object with "
                "filename and regions."
            )
        documents.append((split, path, records))
    regions = [r for _, _, records in documents for record in records for r in _regions(record)]
    attribute = _class_attribute(regions, parts[0][1])
    for split, path, records in documents:
        pictures = Pictures(_roots(path, root, wish), raw.tally, split)
        for record in records:
            name = str(record["filename"])
            picture = pictures.find(name, [path.parent])
            if picture is None:
                reason = f"{MISSING} (named in {path.name})"
                raw.skipped.append(SkippedFile(Path(name), reason))
                continue
            image = RawImage(picture, path.name, split=split)
            for place, region in enumerate(_regions(record), 1):
                where = f"{name}, region {place}"
                if thing := _object(region, attribute, where, raw.tally):
                    image.objects.append(thing)
            if wish.task == "segmentation":
                draw_boxes(image, raw.tally)
            raw.images.append(image)
    used = {thing.name for image in raw.images for thing in image.objects}
    if used <= {UNNAMED}:
        raw.unnamed = True
        raw.names = (UNNAMED,)
        raw.notes.append(
            f"regions have no class: all are called {UNNAMED!r} (class_names renames it)"
        )
    else:
        raw.notes.append(f"classes by the attribute {shown(attribute)!r} of regions")
    return raw


def _roots(path: Path, root: Path, wish: Wish) -> list[Path]:
    if wish.pictures is not None:
        return [wish.pictures]
    beside = [path.parent.parent] if path.parent.name.lower() in ANNOTATION_FOLDERS else []
    return [path.parent, path.parent / "images", root, *beside]


def _regions(record: dict[str, Any]) -> list[Any]:
    regions = record["regions"]  # a list in version 2, an object in version 1
    if isinstance(regions, dict):
        return list(regions.values())
    return regions if isinstance(regions, list) else []


def _attributes(region: Any) -> dict[str, Any]:
    found = region.get("region_attributes") if isinstance(region, dict) else None
    return found if isinstance(found, dict) else {}


def _class_attribute(regions: list[Any], path: Path) -> str:
    counts = Counter(key for region in regions for key in _attributes(region))
    for wanted in _CLASS_ATTRIBUTES:
        for key in counts:
            if key.strip().lower() == wanted:
                return key
    if len(counts) > 1:
        raise DataError(
            f"{shown(path)} has regions with the attributes {first_few(sorted(counts))}. Expected "
            f"one attribute, or one called {', '.join(_CLASS_ATTRIBUTES)}. Rename that of the "
            "class."
        )
    return next(iter(counts), "")


def _object(region: Any, attribute: str, where: str, tally: Tally) -> RawObject | None:
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        tally.add("regions without a shape, dropped", where)
        return None
    name = _class_of(_attributes(region).get(attribute)) if attribute else UNNAMED
    if name is None:
        tally.add("regions without a class, dropped", where)
        return None
    kind = shape.get("name")
    if kind in ("point", "polyline", "line"):
        tally.add(f"regions of type {kind}, which have no area, dropped", where)
        return None
    if kind == "rect" and (values := _numbers(shape, "x", "y", "width", "height")):
        x, y, width, height = values
        return RawObject(name, (x, y, x + width, y + height), where=where)
    outline = _outline(kind, shape)
    if outline is None:
        tally.add(f"regions of type {shown(kind)} that cannot be read, dropped", where)
        return None
    return RawObject(name, None, outline, where=where)


def _class_of(value: Any) -> str | None:
    """The class in an attribute: text, or the option of checkboxes that is set."""
    if isinstance(value, dict):
        chosen = [key for key, on in value.items() if on in (True, "true", 1)]
        return chosen[0] if len(chosen) == 1 else None
    if isinstance(value, (str, int, float)) and str(value).strip():
        return str(value).strip()
    return None


def _numbers(shape: dict[str, Any], *keys: str) -> list[float] | None:
    """The numbers of some keys, None unless all are finite."""
    values = [number(shape.get(key)) for key in keys]
    return None if None in values else [value for value in values if value is not None]


def _outline(kind: Any, shape: dict[str, Any]) -> Polygons | None:
    if kind == "polygon":
        across, down = shape.get("all_points_x"), shape.get("all_points_y")
        if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
            return None
        ring = points([list(pair) for pair in zip(across, down, strict=True)])
        return None if ring is None else Polygons((ring,))
    if kind == "circle" and (values := _numbers(shape, "cx", "cy", "r")):
        x, y, radius = values
        return Polygons(ellipse(x, y, radius, radius).rings)
    if kind == "ellipse" and (values := _numbers(shape, "cx", "cy", "rx", "ry")):
        turned = number(shape.get("theta")) or 0.0
        x, y, across, down = values
        return Polygons(ellipse(x, y, across, down, turned).rings)
    return None
