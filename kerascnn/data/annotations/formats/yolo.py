"""YOLO: a text file of the same stem for each picture, a line for each object.

A line is `class x y w h`: the class by number, the middle, width and height of the box as shares of
the picture's; or `class x1 y1 x2 y2 x3 y3...`, the corners of a polygon. A picture without a file
has no objects. Format: https://docs.ultralytics.com/datasets/detect/.
"""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.data.annotations.form.class_file import find_class_file, read_class_file
from kerascnn.data.annotations.form.names import clean_name
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.formats.yolo_files import YoloData, pictures_of, read_data_yaml
from kerascnn.data.annotations.parsing.numbers import number, points, whole_number
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.data.annotations.parsing.text import read_lines
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError, InputError


def read_yolo(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads the label files of a source.

    Names of classes are those of data.yaml, or of a file such as classes.txt, or else numbers.

    Args:
        parts: Each split with what holds its pictures: a folder or a list of files; or one
            data.yaml, which says that itself.
        root: The folder of the source.
        wish: What the caller asked for.

    Raises:
        DataError: A data.yaml that cannot be read or names folders that are not there.
        InputError: A folder of pictures, which data.yaml names already.
    """
    if wish.pictures is not None:
        raise InputError(
            "pictures is not for YOLO, whose data.yaml or folders say where they are. Leave it "
            "out, or make the folder that holds both the source."
        )
    raw = RawSet(note_unused=False, remedy="Coordinates must be shares 0..1 of width and height.")
    data = YoloData()
    if len(parts) == 1 and parts[0][1].suffix.lower() in (".yaml", ".yml"):
        data = read_data_yaml(parts[0][1])
        parts = data.parts
    names = list(wish.class_names or data.names or _names_of_file(root, parts, raw))
    labels_used: set[Path] = set()
    for split, place in parts:
        for picture, label_file in pictures_of(place, root, raw):
            where = label_file.name if label_file else picture.name
            image = RawImage(picture, where, split=split, fractions=True)
            raw.images.append(image)
            if label_file is None:
                raw.tally.add("pictures without a label file: no objects", picture.name)
                continue
            labels_used.add(label_file)
            _read_labels(label_file, image, names, data, raw)
    _note_stray_labels(labels_used, raw)
    if not names:
        highest = max((int(t.name) for i in raw.images for t in i.objects), default=-1)
        names = [str(place) for place in range(highest + 1)]
        raw.notes.append("nothing names the classes: they are called by their numbers")
    raw.names = tuple(clean_name(name, str(root)) for name in names)
    for image in raw.images:
        for thing in image.objects:
            thing.name = raw.names[int(thing.name)]
    return raw


def _names_of_file(
    root: Path, parts: Sequence[tuple[str | None, Path]], raw: RawSet
) -> tuple[str, ...]:
    places = [place if place.is_dir() else place.parent for _, place in parts]
    folders = dict.fromkeys(
        folder for place in (root, *places) for folder in (place, place / "labels", place.parent)
    )
    darknet = [path for folder in folders if folder.is_dir() for path in folder.glob("*.names")]
    path = find_class_file(list(folders)) or (darknet[0] if darknet else None)
    if path is None:
        return ()
    raw.notes.append(f"classes by the lines of {path.name}")
    if path.suffix == ".names":
        return tuple(read_lines(path))
    return tuple(entry.name for entry in read_class_file(path))


def _read_labels(
    path: Path, image: RawImage, names: list[str], data: YoloData, raw: RawSet
) -> None:
    try:
        lines = read_lines(path)
    except DataError as error:
        raw.skipped.append(SkippedFile(path, str(error)))
        raw.images.remove(image)
        raw.skipped.append(SkippedFile(image.path, "its label file cannot be read"))
        return
    for place, line in enumerate(lines, 1):
        thing = _object(line.split(), f"line {place}", names, data, raw.tally, path)
        if thing is not None:
            image.objects.append(thing)


def _object(
    cells: list[str], where: str, names: list[str], data: YoloData, tally: Tally, path: Path
) -> RawObject | None:
    place = f"{path.name}: {where}"
    label = whole_number(cells[0])
    values = [number(cell) for cell in cells[1:]]
    if label is None or label < 0 or None in values:
        tally.add("lines that are not a class and finite numbers, dropped", place)
        return None
    if names and label >= len(names):
        tally.add(f"objects of class numbers beyond the {len(names)} names, dropped", place)
        return None
    if not names and label > 999:
        tally.add("objects of class numbers above 999, dropped", place)
        return None
    numbers = [value for value in values if value is not None]
    if data.keypoints:
        numbers = numbers[:4]
    if len(numbers) == 5:
        tally.add("lines with a confidence behind the box, left out", place)
        numbers = numbers[:4]
    if len(numbers) == 4:
        x, y, width, height = numbers
        box = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        return RawObject(str(label), box, where=where)
    ring = points(numbers)
    if ring is None:
        tally.add("lines that hold neither a box nor a polygon, dropped", place)
        return None
    return RawObject(str(label), None, Polygons((ring,)), where=where)


def _note_stray_labels(used: set[Path], raw: RawSet) -> None:
    """Counts label files without a picture."""
    for folder in sorted({path.parent for path in used}):
        for path in sorted(folder.glob("*.txt")):
            if path not in used and rows_of(path):
                raw.tally.add("label files without a picture, not used", path.name)


def rows_of(path: Path) -> list[list[str]] | None:
    """Returns the cells of the first lines of a label file, None if it is none.

    Each line of one has a class number and at least four more numbers.
    """
    try:
        rows = [line.split() for line in read_lines(path)[:20]]
    except DataError:
        return None
    fits = all(
        len(row) >= 5 and whole_number(row[0]) is not None and None not in map(number, row[1:])
        for row in rows
    )
    return rows if fits else None
