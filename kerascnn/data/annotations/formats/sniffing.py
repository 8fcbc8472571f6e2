"""Recognising formats of annotations by their content, without reading all of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from kerascnn.data.annotations.form.structure import Task
from kerascnn.data.annotations.formats.csv_boxes import columns_of, read_rows
from kerascnn.data.annotations.formats.mask_files import find_mask_pairs
from kerascnn.data.annotations.formats.yolo import rows_of
from kerascnn.data.annotations.formats.yolo_files import label_folders
from kerascnn.data.annotations.parsing.files import split_of, split_of_file, walk
from kerascnn.data.annotations.parsing.text import read_lines, read_text
from kerascnn.data.annotations.parsing.xml_text import read_xml
from kerascnn.data.annotations.parsing.yaml_text import read_yaml
from kerascnn.data.folders.folder import looks_like_an_image
from kerascnn.errors import DataError

_SAMPLE = 5  # files of a folder that are looked into
_MOST_LABELS = 50  # files of labels that are looked into
_MOST_JSON = 20  # more in one folder are one for each picture
# Formats of which one file annotates all pictures of a split.
ONE_FILE = ("coco", "via", "cvat", "csv")
Parts = list[tuple[str | None, Path]]


def survey(root: Path, task: Task, pictures: Path | None = None) -> dict[str, Parts]:
    """Returns what a folder holds of each format that can serve a task.

    Args:
        root: The folder.
        task: What annotations are for.
        pictures: The folder of the pictures, where it is another one.
    """
    found: dict[str, Parts] = {}

    def add(name: str, path: Path) -> None:
        one = name in ONE_FILE
        folder = path if path.is_dir() else path.parent
        split = split_of_file(path, root) if one else split_of(folder, root)
        found.setdefault(name, []).append((split, path))

    drawn = task == "segmentation"
    for folder, files in walk(root):
        _add_json(folder, files, drawn, add)
        _add_xml(folder, files, add)
        for name in files:
            suffix = Path(name).suffix.lower()
            if suffix in (".csv", ".tsv") and of_csv(folder / name):
                add("csv", folder / name)
        if folder.name.lower() == "segmentationobject":
            add("voc_instances", folder)
    if yolo := _yolo(root, drawn):
        found["yolo"] = yolo
    if drawn and find_mask_pairs(root, pictures).pairs:
        found["masks"] = [(None, root)]
    return found


def suffixes(root: Path) -> Iterator[str]:
    """Yields the suffix of each file below a folder."""
    for _, files in walk(root):
        for name in files:
            yield Path(name).suffix.lower() or "without suffix"


def of_file(path: Path) -> str | None:
    """Returns the format of a single file, None if it is none that is known."""
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return "yolo"
    if suffix in (".csv", ".tsv"):
        return "csv"
    if suffix == ".xml":
        return of_xml(path)
    if suffix == ".txt":
        lines = read_lines(path)
        return "yolo" if lines and all(looks_like_an_image(Path(line)) for line in lines) else None
    return of_json(path) if suffix == ".json" else None


def of_json(path: Path) -> str | None:
    """Returns the format of a JSON file by the keys that its text holds."""
    return _of_json(path)[0]


def _of_json(path: Path) -> tuple[str | None, bool]:
    """Returns the format of a JSON file, and whether it may hold outlines."""
    try:
        text = read_text(path)
    except DataError:
        return None, False

    def has(*keys: str) -> bool:
        return all(f'"{key}"' in text for key in keys)

    if has("shapes", "imagePath"):
        return "labelme", True
    if has("images", "annotations") and (
        has("bbox") or has("segmentation") or (has("categories") and not has("caption"))
    ):
        return "coco", has("segmentation")
    return ("via", True) if has("filename", "regions") else (None, False)


def _add_json(
    folder: Path, files: list[str], drawn: bool, add: Callable[[str, Path], None]
) -> None:
    names = [name for name in files if name.lower().endswith(".json")]
    found = {name: _of_json(folder / name) for name in names[:_SAMPLE]}
    if any(kind == "labelme" for kind, _ in found.values()):
        for name in names:
            add("labelme", folder / name)
    elif len(names) <= _MOST_JSON:
        for name in names:
            kind, has_outlines = found.get(name) or _of_json(folder / name)
            if kind and (has_outlines or not drawn):
                add(kind, folder / name)


def of_xml(path: Path) -> str | None:
    """Returns the format of an XML file by its root element."""
    return {"annotation": "voc", "annotations": "cvat"}.get(read_xml(path).tag)


def _add_xml(folder: Path, files: list[str], add: Callable[[str, Path], None]) -> None:
    names = [name for name in files if name.lower().endswith(".xml")]
    kinds: list[str | None] = []
    for name in names[:_SAMPLE]:
        try:
            kinds.append(of_xml(folder / name))
        except DataError:
            kinds.append("damaged")
    # Where all are damaged, the reader says what is wrong with them.
    if "voc" in kinds or (kinds and set(kinds) == {"damaged"}):
        for name in names:
            add("voc", folder / name)
    for name, kind in zip(names, kinds, strict=False):
        if kind == "cvat":
            add("cvat", folder / name)


def of_csv(path: Path) -> bool:
    """Returns whether a CSV file has columns of boxes."""
    try:
        return columns_of(read_rows(path)) is not None
    except DataError:
        return False


def _yolo(root: Path, drawn: bool) -> Parts:
    """Returns the data.yaml of a YOLO set, or its folders of pictures that have label files."""
    for path in sorted(root.glob("*.y*ml")) + sorted(root.glob("*/*.y*ml")):
        try:
            keys = read_yaml(path, ("train", "names", "nc"))
        except DataError:
            keys = {"train": path} if path.name.lower() in ("data.yaml", "data.yml") else {}
        if "train" in keys:
            return [(None, path)]
    found: Parts = []
    for folder, files in walk(root):
        if any(place in folder.parents for _, place in found):
            continue
        pictures = {Path(name).stem for name in files if looks_like_an_image(Path(name))}
        rows = [rows_of(path) for path in _labels(folder, pictures)]
        if drawn and not any(len(row) > 6 for known in rows for row in known or ()):
            continue
        if any(rows) or (rows and None not in rows):  # with an object, or all empty
            found.append((split_of(folder, root), folder))
    return found


def _labels(folder: Path, pictures: set[str]) -> list[Path]:
    """Returns the first files that may be labels of the pictures in a folder."""
    places = [place for place in label_folders(folder) if pictures and place.is_dir()]
    texts = (path for place in places for path in sorted(place.glob("*.txt")))
    return [path for path in texts if path.stem in pictures][:_MOST_LABELS]
