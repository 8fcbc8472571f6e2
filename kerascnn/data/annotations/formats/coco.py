"""COCO JSON: `images`, `annotations` and `categories` in one file for each split.

Format: https://cocodataset.org/#format-data. Boxes are [left, top, width, height] in pixels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.form.names import BACKGROUND_NAMES, clean_name
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import Box
from kerascnn.data.annotations.parsing.files import ANNOTATION_FOLDERS, Pictures
from kerascnn.data.annotations.parsing.json_text import read_json
from kerascnn.data.annotations.parsing.numbers import four_numbers, number, points, whole_number
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

MISSING = "no such picture, or several that it may be"


def is_coco(value: Any) -> bool:
    """Returns whether a JSON value is COCO's, with instances (and not with captions alone)."""
    if not isinstance(value, dict) or not isinstance(value.get("images"), list):
        return False
    annotations = value.get("annotations")
    if not isinstance(annotations, list) or not isinstance(value.get("categories"), list):
        return False
    first = annotations[0] if annotations else {"bbox": 0}
    return not isinstance(first, dict) or bool({"bbox", "segmentation"} & first.keys())


def read_coco(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads one COCO file for each split.

    Classes are the categories in the order of their ids; gaps between ids do not matter. A
    category that no annotation has is left out if it is the others' supercategory (as category 0
    of Roboflow's files) or background (as category 0 of Model Maker's).

    Raises:
        DataError: A file that is no COCO, or whose ids contradict one another.
    """
    raw = RawSet()
    names: list[str] = []
    supercategories: set[str] = set()
    for split, path in parts:
        document = read_json(path)
        if not is_coco(document):
            raise DataError(
                f"{shown(path)} is no COCO file. Expected an object with the lists images, "
                f"annotations and categories. Received: {_kind(document)}."
            )
        own = _categories(document["categories"], path, supercategories)
        names = list(dict.fromkeys([*names, *(own[key] for key in sorted(own))]))
        pictures = Pictures(_roots(path, root, wish), raw.tally, split)
        _read_document(document, own, split, path, pictures, raw)
    used = {thing.name for image in raw.images for thing in image.objects}
    for name in [name for name in names if name not in used]:
        if name in supercategories or name.casefold() in BACKGROUND_NAMES:
            names.remove(name)
            why = (
                "background" if name.casefold() in BACKGROUND_NAMES else "the others' supercategory"
            )
            raw.notes.append(f"category {shown(name)} is {why} and has no annotation: no class")
    raw.names = tuple(names)
    return raw


def _kind(document: Any) -> str:
    if isinstance(document, dict):
        return f"an object with {first_few(list(document)) or 'nothing'}"
    return "null" if document is None else f"a {type(document).__name__}"


def _roots(path: Path, root: Path, wish: Wish) -> list[Path]:
    if wish.pictures is not None:
        return [wish.pictures]
    roots = [path.parent, path.parent / "images"]
    if path.parent != root:
        roots.append(root)
    elif path.parent.name.lower() in ANNOTATION_FOLDERS:
        roots.append(path.parent.parent)
    return roots


def _categories(values: list[Any], path: Path, supercategories: set[str]) -> dict[int, str]:
    """Returns the name of each category id, and adds the supercategories of others."""
    found: dict[int, str] = {}
    for value in values:
        key = whole_number(value.get("id")) if isinstance(value, dict) else None
        if key is None or not isinstance(value.get("name"), (str, int)):
            raise DataError(
                f"{shown(path)} has the category {shown(value)}. Expected an integer id and a name."
            )
        name = clean_name(value["name"], str(path))
        if found.setdefault(key, name) != name:
            raise DataError(
                f"{shown(path)} has two categories of id {key}: {shown(found[key])} and "
                f"{shown(name)}. Give them different ids."
            )
        if isinstance(value.get("supercategory"), str) and value["supercategory"] != name:
            supercategories.add(value["supercategory"])
    return found


def _read_document(
    document: dict[str, Any],
    categories: dict[int, str],
    split: str | None,
    path: Path,
    pictures: Pictures,
    raw: RawSet,
) -> None:
    images = _images(document["images"], split, path, pictures, raw)
    tally, label = raw.tally, path.name
    for place, value in enumerate(document["annotations"]):
        if not isinstance(value, dict):
            tally.add("annotations that are no objects, dropped", f"{label}: number {place + 1}")
            continue
        where = f"annotation {value.get('id', f'number {place + 1}')}"
        key = _key(value.get("image_id"))
        if key not in images:
            tally.add("annotations of pictures that the file does not list, dropped", where)
            continue
        category = categories.get(whole_number(value.get("category_id")))  # type: ignore[arg-type]
        if category is None:
            tally.add("annotations of unknown categories, dropped", where)
            continue
        image = images[key]
        if image is not None and (thing := _object(value, category, where, tally)):
            image.objects.append(thing)


def _key(value: Any) -> Any:
    """An id as it is compared: 7, 7.0 and "7" are one."""
    return whole if (whole := whole_number(value)) is not None else str(value)


def _images(
    values: list[Any], split: str | None, path: Path, pictures: Pictures, raw: RawSet
) -> dict[Any, RawImage | None]:
    """Returns the image of each id; None for one whose picture is missing."""
    found: dict[Any, RawImage | None] = {}
    files: dict[Any, str] = {}
    for value in values:
        name = value.get("file_name") if isinstance(value, dict) else None
        if not isinstance(name, str) or "id" not in value:
            raise DataError(
                f"{shown(path)} has the image {shown(value)}. Expected an id and a file_name."
            )
        key = _key(value["id"])
        if key in files:
            if files[key] != name:
                raise DataError(
                    f"{shown(path)} has two images of id {shown(key)}: {shown(files[key])} and "
                    f"{shown(name)}. Give them different ids."
                )
            raw.tally.add("images that stand twice in a file, dropped", name)
            continue
        files[key] = name
        picture = pictures.find(name)
        if picture is None:
            raw.skipped.append(SkippedFile(Path(name), f"{MISSING} (named in {path.name})"))
            found[key] = None
            continue
        stated = number(value.get("width")), number(value.get("height"))
        image = RawImage(picture, path.name, split=split)
        if stated[0] is not None and stated[1] is not None:
            image.stated = stated[0], stated[1]
        found[key] = image
        raw.images.append(image)
    return found


def _object(value: dict[str, Any], category: str, where: str, tally: Tally) -> RawObject | None:
    outline = _outline(value.get("segmentation"), where, tally)
    box: Box | None = None
    stated = value.get("bbox")
    if stated:
        corners = four_numbers(stated)
        if corners is None:
            tally.add("boxes that are not four finite numbers, dropped", where)
            return None
        if any(isinstance(part, str) for part in stated):
            tally.add("numbers written as text, read", where)
        left, top, width, height = corners
        box = left, top, left + width, top + height
    elif outline is not None:
        tally.add("objects without a box: that of their outline taken", where)
    crowd = whole_number(value.get("iscrowd", 0)) or value.get("iscrowd") is True
    return RawObject(
        category, box, outline, crowd=bool(crowd), area=number(value.get("area")), where=where
    )


def _outline(value: Any, where: str, tally: Tally) -> Polygons | Rle | None:
    """Returns the outline in a `segmentation`; None, and counts it, if it is none."""
    if value is None or value == [] or value == [[]]:
        return None
    if isinstance(value, dict):
        runs = Rle.from_coco(value)
        if runs is None:
            tally.add("run-length masks that cannot be read, dropped (the box stays)", where)
        return runs
    if isinstance(value, list) and not isinstance(value[0], list):
        value = [value]  # one polygon without the list around it
    parts = value if isinstance(value, list) else [value]
    rings = [ring for part in parts if (ring := points(part)) is not None]
    if len(rings) < len(parts):
        tally.add("polygons of fewer than three corners or no numbers, dropped", where)
    return Polygons(tuple(rings)) if rings else None
