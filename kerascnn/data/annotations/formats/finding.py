"""Which format of annotations a file or folder holds."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.annotations.form.structure import SPLITS, Task
from kerascnn.data.annotations.formats import sniffing
from kerascnn.errors import DataError, InputError
from kerascnn.files import PathLike
from kerascnn.names import first_few, shown

FORMATS = {
    "coco": "COCO JSON (an object with images, annotations and categories)",
    "voc": "Pascal VOC XML (a file with <annotation> for each picture)",
    "yolo": "YOLO (data.yaml, or text files with lines `class x y w h`)",
    "labelme": "LabelMe JSON (a file with shapes for each picture)",
    "via": "VIA JSON (regions of each picture)",
    "cvat": "CVAT XML (<annotations> with <image>)",
    "csv": "CSV (set,path,label,x_min,y_min,,,x_max,y_max,, or a header with filename,class,xmin)",
    "voc_instances": "Pascal VOC's SegmentationObject and SegmentationClass",
    "masks": "masks (a folder such as masks or labels beside that of the pictures)",
}
# Taken in this order where several are there: what says most of an object comes first.
PREFERENCE: dict[Task, tuple[str, ...]] = {
    "detection": ("coco", "voc", "yolo", "labelme", "via", "cvat", "csv", "voc_instances"),
    "segmentation": ("masks", "coco", "labelme", "via", "cvat", "yolo"),
}


@dataclass(frozen=True)
class FoundFormat:
    """The annotations of a source.

    Attributes:
        format: One of FORMATS.
        parts: Files or folders, each with the split that its place says, or None.
        root: The folder of the source.
        notes: What was decided without being asked.
    """

    format: str
    parts: tuple[tuple[str | None, Path], ...]
    root: Path
    notes: tuple[str, ...] = ()


def find_format(
    source: PathLike,
    task: Task = "detection",
    format: str | None = None,
    pictures: Path | None = None,
) -> FoundFormat:
    """Returns the annotations that a file or a folder holds.

    Where there are several formats, the first one of PREFERENCE is taken, and a note says so.

    Args:
        source: An annotation file, or a folder of pictures and annotations.
        task: What they are for.
        format: The format to take, None to decide.
        pictures: The folder of the pictures, where it is not below `source`.

    Raises:
        DataError: No annotations, or several files where one was expected.
        InputError: An unknown format.
    """
    source = Path(source).expanduser()
    known = PREFERENCE[task]
    if format is not None and format not in known:
        raise InputError(
            f"format must be one of {', '.join(known)} for {task}. Received: {shown(repr(format))}."
        )
    if not os.path.exists(source):
        raise DataError(f"no such file or folder: {shown(source)}.")
    if source.is_file():
        return _of_file(source, task, format)
    survey = sniffing.survey(source, task, pictures)
    found = {name: survey[name] for name in known if survey.get(name)}
    if format is not None:
        found = {name: parts for name, parts in found.items() if name == format}
    if not found:
        raise DataError(_nothing(source, task, format))
    name, *others = found
    parts: Sequence[tuple[str | None, Path]] = found[name]
    notes: list[str] = []
    if name in sniffing.ONE_FILE:
        parts, notes = _one_a_split(name, parts, source)
    if others:
        first = parts[0][1].relative_to(source) if parts[0][1] != source else parts[0][1].name
        notes.append(
            f"{FORMATS[name].split(' (')[0]} is read ({first}); also there and left alone: "
            f"{', '.join(others)} (format= chooses)"
        )
    return FoundFormat(name, tuple(parts), source, tuple(notes))


def _of_file(source: Path, task: Task, format: str | None) -> FoundFormat:
    name = sniffing.of_file(source)
    if name is None or name not in PREFERENCE[task] or format not in (None, name):
        wanted = [format] if format else PREFERENCE[task]
        archive = source.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
        raise DataError(
            f"{shown(source)} holds no annotations for {task}"
            f"{f' (it is {FORMATS[name]})' if name else ''}. Expected "
            f"{'; '.join(FORMATS[key] for key in wanted if key not in ('masks', 'voc_instances'))}."
            f"{' Unpack the archive and name its folder.' if archive else ''}"
        )
    return FoundFormat(name, ((None, source),), source.parent)


def _one_a_split(
    name: str, parts: Sequence[tuple[str | None, Path]], source: Path
) -> tuple[list[tuple[str | None, Path]], list[str]]:
    """Returns one file for each split; files without one are left out where splits are there.

    Raises:
        DataError: Two files for one split, and nothing tells which.
    """
    notes = []
    by_split: dict[str | None, list[Path]] = {}
    for split, path in parts:
        by_split.setdefault(split, []).append(path)
    if len(by_split) > 1 and None in by_split:
        left = by_split.pop(None)
        notes.append(f"left alone, as no split: {first_few([path.name for path in left])}")
    chosen = []
    for split, paths in by_split.items():
        instances = [path for path in paths if path.name.lower().startswith("instances")]
        if len(paths) > 1 and len(instances) == 1:
            others = [path.name for path in paths if path != instances[0]]
            notes.append(f"{instances[0].name} is read; left alone: {first_few(others)}")
            paths = instances
        if len(paths) > 1:
            raise DataError(
                f"{shown(source)} has {len(paths)} files of {FORMATS[name].split(' (')[0]}"
                f"{f' for {split}' if split else ''}: "
                f"{first_few([str(path.relative_to(source)) for path in paths])}. Expected one. "
                "Name the file to read, or put them into folders train, valid and test."
            )
        chosen.append((split, paths[0]))
    return sorted(chosen, key=lambda part: SPLITS.index(part[0] or "train")), notes


def _nothing(source: Path, task: Task, format: str | None) -> str:
    names = [format] if format else PREFERENCE[task]
    kinds = Counter(sniffing.suffixes(source))
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    there = ", ".join(f"{count} {suffix}" for suffix, count in ordered[:6]) or "no files"
    hint = ""
    if (
        task == "segmentation"
        and format is None
        and any(sniffing.survey(source, "detection").values())
    ):
        hint = " It has boxes, which say nothing of pixels: they are for detection."
    return (
        f"{shown(source)} holds no annotations for {task}. Looked for: "
        f"{'; '.join(FORMATS[name] for name in names)}. There are: {there}.{hint}"
    )
