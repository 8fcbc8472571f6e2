"""Files that name classes, and the mask values or colours of these."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.parsing.json_text import read_json
from kerascnn.data.annotations.parsing.numbers import whole_number
from kerascnn.data.annotations.parsing.text import read_lines
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

CLASS_FILES = (
    *("class_names.txt", "classes.txt", "labels.txt", "label_names.txt", "names.txt", "codes.txt"),
    *("label_colors.txt", "label_colours.txt", "labelmap.txt", "class_dict.csv", "classes.csv"),
    *("class_names.json", "classes.json", "label_map.json", "label_colors.json", "labels.json"),
)
_KEYS_OF_ANNOTATIONS = frozenset({"images", "annotations", "shapes", "_via_img_metadata"})
VOID_NAMES = frozenset(
    {
        *("void", "unlabelled", "unlabeled", "ignore", "ignored", "__ignore__", "_ignore_"),
        *("border", "boundary", "dontcare", "don't_care"),
    }
)
_SEPARATOR = r"[\s,;:]+"
_COLOUR = rf"(\d{{1,3}}){_SEPARATOR}(\d{{1,3}}){_SEPARATOR}(\d{{1,3}})"
# 64 128 64 Animal; Animal,64,128,64; animal:64,128,64:: (CVAT); 3 Animal; 3: Animal
_COLOUR_FIRST = re.compile(rf"{_COLOUR}{_SEPARATOR}(\S.*)")
_COLOUR_LAST = re.compile(rf"(\S.*?){_SEPARATOR}{_COLOUR}[:\s]*")
_VALUE_FIRST = re.compile(r"(\d{1,5})(?:\s*[:,;=\t]\s*|\s+)(\S.*)")
_HEX = re.compile(r"#([0-9a-fA-F]{6})")


@dataclass(frozen=True)
class ClassEntry:
    """A class of a file.

    Attributes:
        name: Its name.
        value: Its value in masks, None if the file does not say.
        colour: Its colour in masks, red * 65536 + green * 256 + blue, None likewise.
    """

    name: str
    value: int | None = None
    colour: int | None = None

    @property
    def is_void(self) -> bool:
        """Whether its name says that its pixels are to be ignored."""
        return self.name.casefold().replace(" ", "_") in VOID_NAMES


def find_class_file(folders: Sequence[Path]) -> Path | None:
    """Returns the first file of one of the usual names in `folders`, whatever its case.

    A file of annotations that has such a name (labels.json of Model Maker) is passed over.
    """
    for folder in folders:
        if not folder.is_dir():
            continue
        present = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
        for name in CLASS_FILES:
            if name in present and not _holds_annotations(present[name]):
                return present[name]
    return None


def _holds_annotations(path: Path) -> bool:
    if path.suffix.lower() != ".json":
        return False
    value = read_json(path)
    return isinstance(value, dict) and bool(_KEYS_OF_ANNOTATIONS & value.keys())


def read_class_file(path: Path) -> tuple[ClassEntry, ...]:
    """Reads the classes of a file, in their order.

    A text file has one class a line: its name alone; with a number before it, its value; or with
    red, green and blue before or behind it, as label_colors.txt of CamVid, class_dict.csv and
    labelmap.txt of CVAT do. Lines that begin with "#" are comments. The first name of LabelMe's
    labels.txt, `__ignore__`, has no value, and the second one is 0.
    A JSON file holds a list of names, an object from names to values or colours or from values to
    names, or a list of objects with `name` and `id`, `value` or `color`.

    Raises:
        DataError: It cannot be read, names no class, or one class, value or colour twice.
    """
    if path.suffix.lower() == ".json":
        entries = from_value(read_json(path), shown(path))
    else:
        entries = _from_lines(path)
    return check_entries(entries, shown(path))


def check_entries(entries: Sequence[ClassEntry], source: str) -> tuple[ClassEntry, ...]:
    """Returns the entries if they are distinct; raises DataError."""
    if not entries:
        raise DataError(f"{source} names no class. Expected one name a line.")
    for kind, values in (
        ("name", Counter(entry.name for entry in entries)),
        ("value", Counter(str(entry.value) for entry in entries if entry.value is not None)),
        ("colour", Counter(str(entry.colour) for entry in entries if entry.colour is not None)),
    ):
        twice = [value for value, count in values.items() if count > 1]
        if twice:
            raise DataError(f"{source} has a class {kind} twice: {first_few(twice)}.")
    coloured = [entry.colour is not None for entry in entries]
    if any(coloured) and not all(coloured):
        missing = [entry.name for entry in entries if entry.colour is None]
        raise DataError(f"{source} gives no colour to: {first_few(missing)}.")
    return tuple(entries)


def _from_lines(path: Path) -> list[ClassEntry]:
    lines = [line for line in read_lines(path) if not line.startswith("#")]
    if lines and re.fullmatch(r"name\W+r\W+g\W+b", lines[0].lower()):
        lines = lines[1:]
    for form, name, colour in ((_COLOUR_FIRST, 4, 1), (_COLOUR_LAST, 1, 2)):
        matches = [form.fullmatch(line) for line in lines]
        if lines and all(matches):
            return [
                ClassEntry(
                    _name(match[name]),
                    colour=_colour([int(match[colour + place]) for place in range(3)], path),
                )
                for match in matches
                if match
            ]
    matches = [_VALUE_FIRST.fullmatch(line) for line in lines]
    numbers = [int(match[1]) for match in matches if match]
    if lines and len(numbers) == len(lines) == len(set(numbers)):
        return [ClassEntry(_name(match[2]), int(match[1])) for match in matches if match]
    names = [_name(line) for line in lines]
    if names and names[0] == "__ignore__":
        return [ClassEntry(name, place) for place, name in enumerate(names[1:])]
    return [ClassEntry(name) for name in names]


def _name(text: str) -> str:
    return text.strip().strip("\"'").strip()


def _colour(channels: Sequence[Any], path: object) -> int:
    numbers = [whole_number(channel) for channel in channels]
    if len(numbers) != 3 or any(number is None or not 0 <= number <= 255 for number in numbers):
        raise DataError(
            f"{shown(path)} has the colour {shown(list(channels))}. Expected three numbers 0..255."
        )
    red, green, blue = (int(number or 0) for number in numbers)
    return red << 16 | green << 8 | blue


def from_value(value: Any, source: str) -> list[ClassEntry]:
    """Returns the classes of a JSON value, or of what a caller gave as `class_names`.

    Raises:
        DataError: It has none of the forms that `read_class_file` tells.
    """
    if isinstance(value, Mapping) and value:
        if all(whole_number(key) is not None for key in value):
            return [ClassEntry(str(name), whole_number(key)) for key, name in value.items()]
        return [_entry({"name": name, "value": what}, source) for name, what in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [
            _entry(item, source) if isinstance(item, Mapping) else ClassEntry(_text(item, source))
            for item in value
        ]
    raise _no_classes(value, source)


def _text(value: Any, source: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise _no_classes(value, source)
    return str(value).strip()


def _entry(item: Mapping[str, Any], source: str) -> ClassEntry:
    name = _text(item.get("name", item.get("label")), source)
    given = [item[key] for key in ("value", "id", "color", "colour") if key in item]
    value = colour = None
    for part in given:
        if isinstance(part, Sequence) and not isinstance(part, str):
            colour = _colour(part, source)
        elif isinstance(part, str) and (match := _HEX.fullmatch(part)):
            colour = int(match[1], 16)
        elif (value := whole_number(part)) is None or not 0 <= value < 65536:
            raise _no_classes(part, source)
    return ClassEntry(name, value, colour)


def _no_classes(value: Any, source: str) -> DataError:
    return DataError(
        f"{source} does not name classes. Expected a list of names, or names with values or "
        f"colours (red, green, blue). Received: {shown(repr(value))}."
    )
