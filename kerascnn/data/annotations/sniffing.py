"""Recognising formats of annotations by their content, without reading all of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from kerascnn.data.annotations.csv_boxes import columns_of, read_rows
from kerascnn.data.annotations.files import split_of, split_of_file, walk
from kerascnn.data.annotations.mask_files import find_mask_pairs
from kerascnn.data.annotations.structure import Task
from kerascnn.data.annotations.text import read_lines, read_text
from kerascnn.data.annotations.xml_text import read_xml
from kerascnn.data.annotations.yaml_text import read_yaml
from kerascnn.data.annotations.yolo import looks_like_labels
from kerascnn.data.annotations.yolo_files import label_folders
from kerascnn.data.folder import looks_like_an_image
from kerascnn.errors import DataError

_SAMPLE = 5  # files of a folder that are looked into
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
    try:
        text = read_text(path)
    except DataError:
        return None

    def has(*keys: str) -> bool:
        return all(f'"{key}"' in text for key in keys)

    if has("shapes", "imagePath"):
        return "labelme"
    if has("images", "annotations") and (
        has("bbox") or has("segmentation") or (has("categories") and not has("caption"))
    ):
        return "coco"
    return "via" if has("filename", "regions") else None


def _add_json(
    folder: Path, files: list[str], drawn: bool, add: Callable[[str, Path], None]
) -> None:
    names = [name for name in files if name.lower().endswith(".json")]
    sample = [of_json(folder / name) for name in names[:_SAMPLE]]
    if "labelme" in sample:
        for name in names:
            add("labelme", folder / name)
        return
    for name in names if len(names) <= _MOST_JSON else ():
        path = folder / name
        kind = of_json(path)
        if kind and not (drawn and kind == "coco" and '"segmentation"' not in read_text(path)):
            add(kind, path)


def of_xml(path: Path) -> str | None:
    """Returns the format of an XML file by its root element."""
    return {"annotation": "voc", "annotations": "cvat"}.get(read_xml(path).tag)


def _add_xml(folder: Path, files: list[str], add: Callable[[str, Path], None]) -> None:
    names = [name for name in files if name.lower().endswith(".xml")]
    for name in names[:_SAMPLE]:
        try:
            kind = of_xml(folder / name)
        except DataError:
            kind = "voc" if name == names[min(len(names), _SAMPLE) - 1] else None
        if kind == "voc":
            for each in names:
                add("voc", folder / each)
            return
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
        pictures = [Path(name).stem for name in files if looks_like_an_image(Path(name))]
        labels = [
            path
            for place in (label_folders(folder) if pictures else ())
            for stem in pictures
            if (path := place / f"{stem}.txt").is_file()
        ]
        rows = [line.split() for path in labels[:50] for line in read_lines(path)]
        if drawn and not any(len(row) > 6 for row in rows):
            continue
        if labels and (not rows or any(looks_like_labels(path) for path in labels[:50])):
            found.append((split_of(folder, root), folder))
    return found
