"""The classes of a source: their order, background and regions to ignore."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.data.annotations.form.class_file import find_class_file, read_class_file
from kerascnn.data.annotations.form.mask_table import MOST_CLASSES
from kerascnn.data.annotations.form.raw import RawSet, Wish
from kerascnn.data.annotations.form.structure import BACKGROUND, IGNORED
from kerascnn.data.annotations.parsing.tally import Tally
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__"})
IGNORE_NAMES = frozenset({"__ignore__", "_ignore_"})
UNNAMED = "object"  # the class of objects for which a source has no name


@dataclass(frozen=True)
class Classes:
    """The classes of a set.

    Attributes:
        names: In the order of their labels.
        has_background: Whether class 0 is the background of masks.
        notes: What was decided about them.
        labels: By the name that objects have, their label.
        dropped: By name, why objects of it are left out.
    """

    names: tuple[str, ...]
    has_background: bool
    notes: tuple[str, ...]
    labels: dict[str, int]
    dropped: dict[str, str]

    def label(self, name: str, tally: Tally, where: str) -> int | None:
        """Returns the label of objects called `name`; None, and counts it, if they are left out."""
        label = self.labels.get(name)
        if label is None:
            tally.add(self.dropped[name], where)
        return label


def clean_name(name: object, source: str) -> str:
    """Returns a class name without the space around it.

    Raises:
        DataError: It is empty, or holds characters that cannot be printed in one line.
    """
    text = str(name).strip()
    if not text or not text.isprintable():
        raise DataError(
            f"{shown(source)} has the class name {shown(repr(name))}. Expected a name of one line "
            "of text. Rename the class."
        )
    return text


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Returns names in the order of the alphabet, whatever their case."""
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def order_by_file(raw: RawSet, folders: Sequence[Path]) -> None:
    """Puts the classes of a set into the order of a file of class names, if `folders` have one.

    A file that names none of them is about something else. Classes that it lacks come last.
    """
    path = find_class_file(folders)
    if path is None:
        return
    listed = [entry.name for entry in read_class_file(path)]
    used = {thing.name for image in raw.images for thing in image.objects}
    if not used & set(listed):
        return
    missing = sorted_names(used - set(listed) - IGNORE_NAMES - BACKGROUND_NAMES)
    for name in missing:
        raw.tally.add(f"classes that {path.name} lacks, put behind the others", name)
    raw.names = (*listed, *missing)
    raw.notes.append(f"classes in the order of {path.name}")


def find_classes(raw: RawSet, wish: Wish, source: str) -> Classes:
    """Returns the classes of a set that a reader found.

    Raises:
        DataError: Names that cannot be used, or objects of classes that `class_names` lacks.
    """
    if raw.table is not None:
        return Classes(raw.names or (), True, (), {}, {})
    found = {thing.name for image in raw.images for thing in image.objects}
    used = {name: clean_name(name, source) for name in found}
    special = BACKGROUND_NAMES | IGNORE_NAMES
    plain = {name for name in used.values() if name.casefold() not in special}
    names = sorted_names(plain) if raw.names is None else raw.names
    names = tuple(name for name in names if name.casefold() not in special)
    notes: list[str] = []
    rename: dict[str, str] = {}
    if wish.class_names is not None:
        given = [name for name in wish.class_names if name.casefold() not in special]
        if raw.unnamed and len(given) == 1:
            rename = {UNNAMED: given[0]}
        elif missing := sorted_names(plain - set(given)):
            raise DataError(
                f"{shown(source)} has objects of classes that class_names lacks: "
                f"{first_few(list(missing))}. Expected classes among: {first_few(given)}. Add the "
                "missing ones, or leave class_names out."
            )
        names = tuple(given)
    alike = _alike(names)
    if alike:
        notes.append(f"classes that differ only in upper and lower case: {', '.join(alike)}")
    if not names:
        raise DataError(f"{shown(source)} names no class. Give class_names.")
    return _classes(names, used, rename, wish, notes, source)


def _classes(
    names: tuple[str, ...],
    used: dict[str, str],
    rename: dict[str, str],
    wish: Wish,
    notes: list[str],
    source: str,
) -> Classes:
    drawn = wish.task == "segmentation"
    if drawn:
        names = (BACKGROUND, *names)
    if len(names) > MOST_CLASSES and drawn:
        raise DataError(
            f"{shown(source)} has {len(names)} classes; masks hold {MOST_CLASSES} at most."
        )
    places = {name: label for label, name in enumerate(names)}
    labels: dict[str, int] = {}
    dropped: dict[str, str] = {}
    for original, name in used.items():
        if name.casefold() in IGNORE_NAMES:
            if drawn:
                labels[original] = IGNORED
            dropped[original] = "regions to ignore, left out"
        elif name.casefold() in BACKGROUND_NAMES:
            if drawn:
                labels[original] = 0
            dropped[original] = "objects of a class called background, left out"
        elif rename.get(name, name) in places:
            labels[original] = places[rename.get(name, name)]
        else:
            dropped[original] = (
                f"objects of the class {shown(name)}, which is not declared, dropped"
            )
    return Classes(names, drawn, tuple(notes), labels, dropped)


def _alike(names: Iterable[str]) -> list[str]:
    first: dict[str, str] = {}
    return [
        f"{shown(other)} and {shown(name)}"
        for name in names
        if (other := first.setdefault(name.casefold(), name)) != name
    ]
