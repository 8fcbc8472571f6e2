"""Pascal VOC XML: one file for each picture, in VOC's folders, Model Maker's, or beside pictures.

Format: the development kit of Everingham et al., http://host.robots.ox.ac.uk/pascal/VOC/. Boxes
are the numbers of their first and last pixel, counted from 1.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from kerascnn.data.annotations.form.names import order_by_file
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.structure import Box
from kerascnn.data.annotations.formats.coco import MISSING
from kerascnn.data.annotations.formats.split_lists import read_split_lists
from kerascnn.data.annotations.parsing.files import (
    ANNOTATION_FOLDERS,
    Pictures,
    picture_stems,
    same_name,
)
from kerascnn.data.annotations.parsing.numbers import number
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.annotations.parsing.xml_text import read_xml, text_of
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import shown

_PICTURE_FOLDERS = ("JPEGImages", "images", "image", "imgs", "img", "photos")
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads the XML files of a source.

    The picture of a file is that of the same stem, or else the one that `<filename>` or `<path>`
    names, wherever it was when it was annotated. Pixels are counted from 1, unless a coordinate of
    the source is below 1 or most boxes have decimal points: then boxes are taken as they stand.
    Splits are those of folders or of lists (ImageSets/Main/train.txt). Classes are in the order of
    a file of class names, if the source has one (labels.txt, classes.txt...), else sorted.
    """
    raw = RawSet()
    pictures = Pictures([wish.pictures or root], raw.tally)
    stems: dict[Path, dict[str, list[Path]]] = {}
    named: list[tuple[RawImage, str]] = []
    decimals = 0
    for split, path in parts:
        try:
            element = read_xml(path)
        except DataError as error:
            raw.skipped.append(SkippedFile(path, str(error)))
            continue
        if element.tag != "annotation":
            raw.skipped.append(SkippedFile(path, f"XML of <{shown(element.tag)}>, no annotation"))
            continue
        picture = _find_picture(element, path, wish, pictures, stems, raw.tally)
        if picture is None:
            name = text_of(element, "filename") or path.stem
            raw.skipped.append(SkippedFile(path, f"{MISSING}: {shown(name)}"))
            continue
        image = RawImage(picture, path.name, split=split)
        width, height = (number(text_of(element, f"size/{side}")) for side in ("width", "height"))
        if width is not None and height is not None:
            image.stated = width, height
        image.objects = _objects(element, path, raw.tally)
        decimals += sum("." in text_of(item, "bndbox/xmin") for item in element.iter("object"))
        named.append((image, path.stem))
    raw.images = read_split_lists([path.parent for _, path in parts], root, "Main", named, raw)
    _count_from_zero(raw, decimals)
    order_by_file(raw, [root, *dict.fromkeys(path.parent for _, path in parts)])
    return raw


def _find_picture(
    element: ElementTree.Element,
    path: Path,
    wish: Wish,
    pictures: Pictures,
    stems: dict[Path, dict[str, list[Path]]],
    tally: Tally,
) -> Path | None:
    filename = text_of(element, "filename").replace("\\", "/").rsplit("/", 1)[-1]
    folders = [wish.pictures] if wish.pictures else _near(path)
    for folder in folders:
        if folder not in stems:
            stems[folder] = picture_stems(folder)
        found = stems[folder].get(same_name(path.stem), [])
        if len(found) > 1:  # 1.jpg beside 1.png
            found = [picture for picture in found if same_name(picture.name) == same_name(filename)]
        if len(found) == 1:
            stated = same_name(Path(filename).stem)
            if stated and stated != same_name(path.stem):
                tally.add(
                    "XML files that name another picture than that of their own stem, taken here",
                    path.name,
                )
            return found[0]
    for name in (filename, text_of(element, "path"), path.stem):
        if name and (picture := pictures.find(name, folders)):
            return picture
    return None


def _near(path: Path) -> list[Path]:
    """The folders where the pictures of an XML file may lie."""
    folder = path.parent
    near = [folder, *(folder / name for name in _PICTURE_FOLDERS)]
    if folder.name.lower() in ANNOTATION_FOLDERS:
        near += [folder.parent / name for name in _PICTURE_FOLDERS] + [folder.parent]
    elif folder.parent.name.lower() in ANNOTATION_FOLDERS:  # Annotations/train beside images/train
        near += [folder.parent.parent / name / folder.name for name in _PICTURE_FOLDERS]
    return near


def _objects(element: ElementTree.Element, path: Path, tally: Tally) -> list[RawObject]:
    found = []
    for place, item in enumerate(element.iter("object"), 1):
        where = f"object {place}"
        name = text_of(item, "name")
        if not name:
            tally.add("objects without a class, dropped", f"{path.name}: {where}")
            continue
        if item.find("bndbox") is None:
            tally.add("objects without an upright box (bndbox), dropped", f"{path.name}: {where}")
            continue
        box = _box(item, f"{path.name}: {where}", tally)
        if box is not None:
            difficult = text_of(item, "difficult").lower() in ("1", "true")
            found.append(RawObject(name, box, difficult=difficult, where=where))
    return found


def _box(item: ElementTree.Element, where: str, tally: Tally) -> Box | None:
    edges = [number(text_of(item, f"bndbox/{edge}")) for edge in _EDGES]
    x0, y0, x1, y1 = edges
    if x0 is None or y0 is None or x1 is None or y1 is None:
        tally.add("boxes that are not four finite numbers, dropped", where)
        return None
    if x1 < x0 or y1 < y0:
        tally.add("boxes whose corners are in another order, sorted", where)
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    if x0 == x1 or y0 == y1:
        tally.add("boxes without area, dropped", where)
        return None
    return x0, y0, x1, y1


def _count_from_zero(raw: RawSet, decimals: int) -> None:
    """Moves boxes so that the first pixel begins at 0, if the source counts pixels from 1.

    Args:
        raw: The set.
        decimals: How many boxes are written with decimal points.
    """
    things = [thing for image in raw.images for thing in image.objects]
    boxes = [thing.box for thing in things if thing.box]
    if not boxes:
        return
    if any(min(box[:2]) < 1 for box in boxes):
        raw.notes.append("boxes taken as they stand: pixels are counted from 0 (a coordinate is 0)")
        return
    # A few fractions occur in Pascal VOC itself; a tool that counts from 0 has them everywhere.
    if 2 * decimals > len(boxes):
        raw.notes.append("boxes taken as they stand: most are written with decimal points")
        return
    for thing in things:
        if thing.box:
            x0, y0, x1, y1 = thing.box
            thing.box = x0 - 1, y0 - 1, x1, y1
    raw.notes.append("pixels are counted from 1, as Pascal VOC does: boxes begin one pixel earlier")
