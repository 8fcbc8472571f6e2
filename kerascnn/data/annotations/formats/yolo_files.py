"""Where the pictures and label files of a YOLO set are."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.form.raw import RawSet
from kerascnn.data.annotations.parsing.files import same_name, split_of_name, walk
from kerascnn.data.annotations.parsing.numbers import whole_number
from kerascnn.data.annotations.parsing.text import read_lines
from kerascnn.data.annotations.parsing.yaml_text import read_yaml
from kerascnn.data.folders.folder import SkippedFile, looks_like_an_image
from kerascnn.errors import DataError
from kerascnn.names import shown

_SPLIT_KEYS = ("train", "val", "valid", "validation", "test")
_KEYS = (*_SPLIT_KEYS, "path", "names", "nc", "kpt_shape")


@dataclass
class YoloData:
    """What a data.yaml says.

    Attributes:
        parts: Each split with a folder or a list of pictures.
        names: The classes by number.
        keypoints: Whether lines have keypoints behind the box.
    """

    parts: list[tuple[str | None, Path]] = field(default_factory=list)
    names: tuple[str, ...] = ()
    keypoints: bool = False


def read_data_yaml(path: Path) -> YoloData:
    """Reads a data.yaml.

    Folders are relative to `path` in it, if that is here, else to the file's own folder; "../" at
    their start, as Roboflow writes it, is left out where nothing is there.

    Raises:
        DataError: It has no `train`, or a folder or list that is not there, or names in a form
            that is not known.
    """
    values = read_yaml(path, _KEYS)
    bases = [path.parent]
    if isinstance(values.get("path"), str):
        bases.insert(0, path.parent / values["path"])
    data = YoloData(names=_names(values, path), keypoints=values.get("kpt_shape") is not None)
    for key in _SPLIT_KEYS:
        entries = values.get(key)
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, str):
                place = _find(entry, bases)
                if place is None and key == "train":
                    raise DataError(
                        f"{shown(path)} names {shown(entry)} as `{key}`, which is not there. "
                        f"Looked in {shown(bases[0])}. Correct `path` or `{key}`."
                    )
                if place is not None:
                    data.parts.append((split_of_name(key), place))
    if not any(split == "train" for split, _ in data.parts):
        raise DataError(f"{shown(path)} has no `train`. Expected a folder or a list of pictures.")
    return data


def _names(values: dict[str, Any], path: Path) -> tuple[str, ...]:
    names = values.get("names")
    if names is None:
        return ()
    if isinstance(names, dict):
        places = {whole_number(key): name for key, name in names.items()}
        if set(places) == set(range(len(names))):
            names = [places[place] for place in range(len(names))]
    count = whole_number(values.get("nc"))
    if not isinstance(names, list) or None in names:
        raise DataError(
            f"{shown(path)} has names in a form that is not known. Expected a list, or numbers 0, "
            "1, 2... with names."
        )
    if count is not None and count != len(names):
        raise DataError(f"{shown(path)} has {len(names)} names, but nc is {count}.")
    return tuple(names)


def _find(entry: str, bases: list[Path]) -> Path | None:
    entry = entry.replace("\\", "/")
    shorter = entry
    while shorter.startswith(("../", "./")):
        shorter = shorter.split("/", 1)[1]
    # A path of another machine: its last folders.
    last = "/".join(entry.strip("/").split("/")[-2:])
    for name in dict.fromkeys((entry, shorter, last)):
        for base in bases:
            place = base / name
            if os.path.isdir(place) or os.path.isfile(place):
                return Path(os.path.normpath(place))
    return None


def pictures_of(place: Path, root: Path, raw: RawSet) -> Iterator[tuple[Path, Path | None]]:
    """Yields each picture of a folder or list, and its label file, None if it has none."""
    listed: dict[Path, dict[str, Path]] = {}
    if place.is_dir():
        for folder, files in walk(place):
            for name in files:
                if looks_like_an_image(Path(name)):
                    yield folder / name, _label_file(folder / name, listed)
        return
    for line in read_lines(place):
        path = _find(line, [place.parent, root])
        if path is None:
            raw.skipped.append(SkippedFile(Path(line), f"no such picture (named in {place.name})"))
        else:
            yield path, _label_file(path, listed)


def _label_file(picture: Path, listed: dict[Path, dict[str, Path]]) -> Path | None:
    """Returns the label file of a picture, whatever the case and Unicode form of its name.

    It is below `labels` where the picture is below `images`, or beside the picture, or in a folder
    `labels` beside the picture's.
    """
    for folder in label_folders(picture.parent):
        if folder not in listed:
            files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
            listed[folder] = {same_name(path.stem): path for path in files}
        if path := listed[folder].get(same_name(picture.stem)):
            return path
    return None


def label_folders(folder: Path) -> list[Path]:
    """Returns where the label files of the pictures in a folder may be, the likeliest first."""
    found = []
    for place in range(len(folder.parts) - 1, -1, -1):
        if folder.parts[place].lower() == "images":
            found.append(Path(*folder.parts[:place], "labels", *folder.parts[place + 1 :]))
            break
    return [*found, folder, folder.parent / "labels", folder / "labels"]
