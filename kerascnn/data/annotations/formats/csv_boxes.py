"""CSV files of boxes: Model Maker's and AutoML's columns, TensorFlow's, or any with known names."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.structure import Box
from kerascnn.data.annotations.formats.coco import MISSING
from kerascnn.data.annotations.parsing.files import ANNOTATION_FOLDERS, Pictures, split_of_name
from kerascnn.data.annotations.parsing.numbers import number
from kerascnn.data.annotations.parsing.text import read_text
from kerascnn.data.folders.folder import SkippedFile, looks_like_an_image
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

# What columns are called, without case, spaces and "_".
_COLUMNS = {
    "file": "filename file image imageid imagename img path imagepath filepath imagefilename",
    "class": "class label name category classname labelname categoryname object",
    "x0": "xmin x1 left xtl xmins",
    "y0": "ymin y1 top ytl ymins",
    "x1": "xmax x2 right xbr",
    "y1": "ymax y2 bottom ybr",
    "width": "width imagewidth imgwidth w",
    "height": "height imageheight imgheight h",
    "split": "split set mluse subset",
    "crowd": "isgroupof iscrowd crowd",
    "difficult": "difficult",
}
_ROLES = {name: role for role, names in _COLUMNS.items() for name in names.split()}
_UNASSIGNED = ("unassigned", "")
_NEEDED = ("file", "class", "x0", "y0", "x1", "y1")
# AutoML: set, path, label, then four corners clockwise from the top left one, two of them empty.
_AUTOML = {"split": 0, "file": 1, "class": 2, "x0": 3, "y0": 4, "x1": 7, "y1": 8}
_AUTOML_WITHOUT_SET = {role: place - 1 for role, place in _AUTOML.items() if role != "split"}
# keras-retinanet: path, x1, y1, x2, y2, class.
_RETINANET = {"file": 0, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "class": 5}

_LEAST_PIXELS = 2  # a share reaches a little above 1 where a box leaves its picture

Row = tuple[int, list[str]]  # line number and cells


def columns_of(rows: Sequence[Row]) -> tuple[dict[str, int], bool] | None:
    """Returns each column's place by its role, and whether a header says so; None if unknown."""
    if not rows:
        return None
    cells = rows[0][1]
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        role = _ROLES.get(cell.lower().replace("_", "").replace(" ", "").replace("-", ""))
        if role:
            found.setdefault(role, place)
    if all(role in found for role in _NEEDED):
        return found, True
    for form in (_AUTOML, _AUTOML_WITHOUT_SET, _RETINANET):
        if all(_has_form(row, form) for _, row in rows[:20]):
            return form, False
    return None


def _has_form(cells: list[str], form: Mapping[str, int]) -> bool:
    """Returns whether a row without header has a picture and four numbers, or none, in place."""
    if len(cells) <= max(form.values()) or len(cells) > max(form.values()) + 3:
        return False
    if "split" in form and not _is_set(cells[form["split"]]):
        return False
    if not looks_like_an_image(Path(cells[form["file"]])):
        return False
    edges = [cells[form[role]] for role in ("x0", "y0", "x1", "y1")]
    return not any(edges) or all(number(edge) is not None for edge in edges[:2])


def _is_set(cell: str) -> bool:
    return cell.lower() in _UNASSIGNED or split_of_name(cell) is not None


def read_rows(path: Path) -> list[Row]:
    """Returns the rows of a CSV file that hold text, with their lines; cells without outer space.

    Raises:
        DataError: It is no text, or no CSV.
    """
    text = read_text(path)
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max((",", ";", "\t"), key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise DataError(f"{shown(path)} is no CSV, line {reader.line_num}: {error}.") from error
    return rows


def read_csv_boxes(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads CSV files with a row for each box.

    Coordinates are shares of width and height if all of them are below 2, else pixels. A row with
    empty coordinates is a picture without objects.

    Raises:
        DataError: A file whose columns are not known.
    """
    raw = RawSet()
    largest = 0.0
    for split, path in parts:
        rows = read_rows(path)
        known = columns_of(rows)
        if known is None:
            first = rows[0][1] if rows else []
            raise DataError(
                f"{shown(path)} has columns that are not known: {first_few(first, 12) or 'none'}. "
                "Expected set,path,label,x_min,y_min,,,x_max,y_max,, or a header with filename, "
                "class, xmin, ymin, xmax, ymax."
            )
        columns, has_header = known
        images: dict[str, RawImage | None] = {}
        pictures = Pictures(_roots(path, root, wish), raw.tally, split)
        for line, cells in rows[has_header:]:
            image = _image(line, cells, columns, split, path, pictures, images, raw)
            if image is not None and (thing := _object(line, cells, columns, path, raw)):
                image.objects.append(thing)
                largest = max(largest, *(thing.box or ()))
    for image in raw.images:
        image.fractions = largest < _LEAST_PIXELS
    kind = "shares of width and height" if largest < _LEAST_PIXELS else "pixels"
    raw.notes.append(f"coordinates are {kind}: the largest is {largest:g}")
    return raw


def _roots(path: Path, root: Path, wish: Wish) -> list[Path]:
    if wish.pictures is not None:
        return [wish.pictures]
    beside = path.parent.parent if path.parent.name.lower() in ANNOTATION_FOLDERS else path.parent
    return [path.parent, path.parent / "images", beside / "images", root]


def _cell(cells: list[str], columns: Mapping[str, int], role: str) -> str:
    place = columns.get(role)
    return cells[place] if place is not None and place < len(cells) else ""


def _image(
    line: int,
    cells: list[str],
    columns: Mapping[str, int],
    split: str | None,
    path: Path,
    pictures: Pictures,
    images: dict[str, RawImage | None],
    raw: RawSet,
) -> RawImage | None:
    """Returns the image of a row, new if no row before named it; None if it cannot be used."""
    name = _cell(cells, columns, "file")
    if not name:
        raw.tally.add("rows without a picture, dropped", f"{path.name}: line {line}")
        return None
    place = _cell(cells, columns, "split")
    if not _is_set(place):
        raise DataError(
            f"{shown(path)}, line {line}: the set is {shown(repr(place))}. Expected TRAIN, "
            "VALIDATION, TEST or UNASSIGNED."
        )
    if name not in images:
        picture = pictures.find(name)
        images[name] = None
        if picture is None:
            raw.skipped.append(SkippedFile(Path(name), f"{MISSING} ({path.name}, line {line})"))
            return None
        image = RawImage(picture, path.name, split=split_of_name(place) or split)
        width, height = (number(_cell(cells, columns, role)) for role in ("width", "height"))
        if width is not None and height is not None:
            image.stated = width, height
        images[name] = image
        raw.images.append(image)
    image_or_none = images[name]
    if (
        image_or_none is not None
        and place
        and image_or_none.split != (split_of_name(place) or split)
    ):
        raw.tally.add("pictures whose rows name different sets: the first taken", name)
    return image_or_none


def _object(
    line: int, cells: list[str], columns: Mapping[str, int], path: Path, raw: RawSet
) -> RawObject | None:
    where = f"line {line}"
    place = f"{path.name}: {where}"
    edges = [_cell(cells, columns, role) for role in ("x0", "y0", "x1", "y1")]
    if not any(edges):
        return None
    box = _box(edges)
    name = _cell(cells, columns, "class")
    if box is None or not name:
        raw.tally.add("rows without a class or four finite numbers, dropped", place)
        return None
    crowd, difficult = (
        _cell(cells, columns, role).lower() in ("1", "true") for role in ("crowd", "difficult")
    )
    return RawObject(name, box, crowd=crowd, difficult=difficult, where=where)


def _box(edges: list[str]) -> Box | None:
    x0, y0, x1, y1 = map(number, edges)
    if x0 is None or y0 is None or x1 is None or y1 is None:
        return None
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
