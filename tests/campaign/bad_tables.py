"""Tables that cannot be trained on, or not without a word."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from judging import ACCEPTED, EITHER, NOTED, REFUSED, Case
from world import CLASSES, PHOTOS

LOOK = ("augment", "{here}/{name}", "--out", "{here}/out.png", "--image-size", "16")
TRAIN = ("train", "{here}/{name}", "-m", "MLP", "-o", "{here}/out", "--epochs", "1")
FILES = [(f"{name}/{place}.jpg", name) for name in CLASSES for place in range(PHOTOS)]


def rows(header: str, row: str, end: str = "\n", values: Callable[[int], object] = int) -> bytes:
    """A table of the good photos; {file}, {label} and {value} in `row`."""
    lines = [
        row.format(file=file, label=label, value=values(place), stem=file[:-4])
        for place, (file, label) in enumerate(FILES)
    ]
    return (end.join([header, *lines]) + end).encode("utf-8", "surrogateescape")


GOOD = rows("image,flower", "{file},{label}")
# Content, what must happen, words.
TABLES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", REFUSED, "empty|no rows|header"),
    "spaces": (b"   \n\n", REFUSED, "empty|no rows|header"),
    "header only": (b"image,flower\n", REFUSED, "row"),
    "one column": (rows("image", "{file}"), REFUSED, "column"),
    "no header": (GOOD.split(b"\n", 1)[1], EITHER, "header|column"),
    "no images": (rows("a,b", "{value},{label}"), REFUSED, "image"),
    "absent images": (rows("image,flower", "x{file},{label}"), REFUSED, "exist"),
    "absent image": (GOOD + b"gone.jpg,rose\n", REFUSED, r"gone\.jpg"),
    "no label": (GOOD + b"rose/0.jpg,\n", REFUSED, "label|empty|value"),
    "more cells": (GOOD + b"rose/0.jpg,rose,pink\n", REFUSED, "cells|columns|line"),
    "fewer cells": (GOOD + b"rose/0.jpg\n", REFUSED, "cells|columns|line"),
    "one class": (rows("image,flower", "{file},rose"), REFUSED, "class"),
    "a class per image": (rows("image,flower", "{file},c{value}"), REFUSED, "class"),
    "image twice": (GOOD + b"rose/0.jpg,tulip\n", REFUSED, r"rose/0\.jpg"),
    "column twice": (rows("image,flower,flower", "{file},{label},{label}"), REFUSED, "flower"),
    "names of columns empty": (rows(",", "{file},{label}"), EITHER, "column|name"),
    "open quote": (GOOD + b'"rose/0.jpg,rose\n' * 3, REFUSED, "quote|line|exist"),
    "NUL": (GOOD.replace(b"rose", b"ro\0se"), REFUSED, "NUL|binary|text|character|exist"),
    "binary": (bytes(range(256)) * 20, REFUSED, "text|UTF-8|table|column"),
    "spreadsheet": (b"PK\x03\x04" + bytes(400), REFUSED, "xlsx|text|spreadsheet|UTF-8|column"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(400), REFUSED, "text|UTF-8|column"),
    "Latin-1": (GOOD.replace(b"rose", b"ros\xe9"), REFUSED, "UTF-8|exist"),
    "one long line": (b"a," * 500_000, REFUSED, "column|row|image"),
    "one long cell": (
        b"image,flower\n" + b"a" * 3_000_000 + b",rose\n",
        REFUSED,
        "field larger",
    ),
    "outside": (rows("image,flower", "../../{file},{label}"), NOTED, "not exactly"),
    "URL": (rows("image,flower", "https://example.org/{file},{label}"), NOTED, "not exactly"),
    "folder as image": (rows("image,flower", "{label},{label}"), REFUSED, "image"),
    "not a number": (
        rows("image,size", "{file},{value}", values=lambda i: "nan" if i == 3 else i / 7),
        REFUSED,
        "nan|number",
    ),
    "infinite": (
        rows("image,size", "{file},{value}", values=lambda i: "inf" if i == 3 else i / 7),
        REFUSED,
        "inf|number",
    ),
    "beyond float32": (
        rows("image,size", "{file},{value}", values=lambda i: f"{i / 7}e39"),
        REFUSED,
        "float32|large|range",
    ),
    "numbers and text": (
        rows("image,size", "{file},{value}", values=lambda i: "small" if i == 3 else i / 7),
        REFUSED,
        "small|number|class",
    ),
    "one value": (
        rows("image,size", "{file},{value}", values=lambda i: 2.5),
        REFUSED,
        "size|class",
    ),
    "labels of all": (rows("image,a,b", "{file},1,1"), NOTED, "every image has"),
    "labels of none": (rows("image,a,b", "{file},0,0"), REFUSED, "a|label"),
    "half labels": (
        rows("image,a,b", "{file},{value},0.5", values=lambda i: i % 2),
        EITHER,
        "number|label|0.5",
    ),
    "Finding Labels": (
        rows("Image Index,Finding Labels", "{file},{value}", values=lambda i: ("a|b", "b")[i % 2]),
        NOTED,
        "label",
    ),
    "label first": (rows("flower,image", "{label},{file}"), NOTED, "image"),
    "index": (rows(",image,flower", "{value},{file},{label}"), NOTED, "column"),
    "backslashes": (
        rows("image,flower", "{file},{label}").replace(b"/", b"\\"),
        NOTED,
        r"\.jpg",
    ),
    "without suffix": (rows("image,flower", "{stem},{label}"), NOTED, r"\.jpg"),
    "trailing separator": (rows("image,flower,", "{file},{label},"), NOTED, "column|cell"),
    "semicolons": (rows("image;flower", "{file};{label}"), ACCEPTED, ""),
    "tabs": (rows("image\tflower", "{file}\t{label}"), ACCEPTED, ""),
    "Windows": (rows("image,flower", "{file},{label}", end="\r\n"), ACCEPTED, ""),
    "UTF-16": (GOOD.decode().encode("utf-16"), ACCEPTED, ""),
    "BOM": (b"\xef\xbb\xbf" + GOOD, ACCEPTED, ""),
    "twice the same row": (GOOD + b"rose/0.jpg,rose\n", NOTED, "repeat an earlier"),
    "split of another word": (
        rows("image,flower,split", "{file},{label},{value}", values=lambda i: f"part{i % 2}"),
        REFUSED,
        "split|part",
    ),
    "only a test split": (
        rows("image,flower,split", "{file},{label},test"),
        REFUSED,
        "split|train",
    ),
    "many columns": (
        rows("image," + ",".join(f"l{i}" for i in range(3000)), "{file}" + ",0" * 3000),
        REFUSED,
        "label|l0",
    ),
}


def _written(name: str, content: bytes) -> Callable[[Path, Path], None]:
    def make(here: Path, world: Path) -> None:
        for label in CLASSES:
            (here / label).symlink_to(world / "photos" / label)
        (here / name).write_bytes(content)

    return make


def _named(base: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(part.replace("{name}", name) for part in base)


def cases(seed: int) -> Iterator[Case]:
    look = _named(LOOK, "labels.csv")
    for name, (content, expect, words) in TABLES.items():
        yield Case("table", name, look, expect, words, _written("labels.csv", content))
    train = _named(TRAIN, "labels.csv")
    for name in ("absent images", "beyond float32", "not a number", "one class", "Latin-1"):
        content, expect, words = TABLES[name]
        make = _written("labels.csv", content)
        yield Case("table", f"{name}, train", train, expect, words, make)
    for kind, make in {
        "pipe": lambda here, world: os.mkfifo(here / "labels.csv"),
        "device": lambda here, world: (here / "labels.csv").symlink_to("/dev/zero"),
        "folder": lambda here, world: (here / "labels.csv").mkdir(),
        "absent": None,
        "loop": lambda here, world: (here / "labels.csv").symlink_to("labels.csv"),
    }.items():
        yield Case("table", kind, train, REFUSED, r"labels\.csv", make)
    for task in ("regression", "multi_label", "classification", "nonsense"):
        content = rows("image,flower", "{file},{label}")
        expect = ACCEPTED if task in ("classification", "multi_label") else REFUSED
        run = (*train, "--task", task)
        make = _written("labels.csv", content)
        yield Case("table", f"names as {task}", run, expect, "number|0 and 1|label|task", make)
