"""What the values of masks mean: classes, what is ignored, and what nobody can know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kerascnn.data.annotations.form.class_file import ClassEntry
from kerascnn.data.annotations.form.mask_table import IGNORED_PIXEL, key_text
from kerascnn.data.annotations.form.names import BACKGROUND_NAMES
from kerascnn.data.annotations.form.structure import BACKGROUND
from kerascnn.errors import DataError
from kerascnn.names import first_few

FOREGROUND = "foreground"
_MOST_UNNAMED = 64  # values without names; more are a photo, or a mask with soft edges
_VOID = 255
VOC_NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
# The eleven classes of CamVid in the arrangement of SegNet, whose value 11 is unlabelled.
CAMVID_NAMES = (
    *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car"),
    *("pedestrian", "bicyclist"),
)


@dataclass(frozen=True)
class Hints:
    """What the arrangement of a source says of its masks.

    Attributes:
        trimaps: The Oxford-IIIT Pet set: 1 animal, 2 background, 3 border.
        camvid: CamVid as SegNet arranged it.
        voc: Pascal VOC's folders.
    """

    trimaps: bool = False
    camvid: bool = False
    voc: bool = False


@dataclass
class MaskClasses:
    """The classes of masks: their names, and the class (or IGNORED_PIXEL) of each key."""

    names: list[str]
    classes: dict[int, int]
    notes: list[str] = field(default_factory=list)


def by_value(
    pixels: Mapping[int, int],
    examples: Mapping[int, str],
    entries: Sequence[ClassEntry] | None,
    ignore: Sequence[int] | None,
    hints: Hints,
    source: str,
) -> MaskClasses:
    """Returns the classes of masks of values; the arguments are those of `mask_classes.decide`.

    Raises:
        DataError: Values that are of no class, or that cannot be understood.
    """
    present = sorted(pixels)
    if hints.trimaps and set(present) <= {1, 2, 3} and ignore is None:
        name = entries[0].name if entries and len(entries) == 1 else "pet"
        return MaskClasses(
            [BACKGROUND, name],
            {1: 1, 2: 0, 3: IGNORED_PIXEL},
            [f"trimaps: 1 is {name}, 2 background, 3 (border) ignored{share_of(pixels, 3)}"],
        )
    void = set(ignore or ())
    notes = []
    if entries is None and hints.camvid and 11 in present and max(present) == 11:
        entries = [ClassEntry(name) for name in CAMVID_NAMES]
        notes.append("classes of CamVid, in SegNet's order")
    if entries is None and hints.voc and max((v for v in present if v != _VOID), default=0) <= 20:
        entries = [ClassEntry(name) for name in (BACKGROUND, *VOC_NAMES)]
        notes.append("classes of Pascal VOC")
    rest = [value for value in present if value not in void]
    if entries is None:
        found = _unnamed(rest, pixels, ignore, source)
    else:
        found = _named(rest, pixels, examples, list(entries), ignore, source)
    for value in sorted(void):
        found.classes[value] = IGNORED_PIXEL
        found.notes.append(f"ignored as told: value {value}{share_of(pixels, value)}")
    found.notes = notes + found.notes
    return found


def _unnamed(
    present: list[int], pixels: Mapping[int, int], ignore: Sequence[int] | None, source: str
) -> MaskClasses:
    """Classes of values that nothing names."""
    if len(present) > _MOST_UNNAMED:
        raise DataError(
            f"{source} has masks of {len(present)} different values that nothing names: photos, or "
            "masks with soft edges. Expected a value for each class. Save masks without smoothing, "
            "or add a file class_names.txt."
        )
    if len(present) == 2 and present[0] == 0:
        names = [BACKGROUND, FOREGROUND]
        note = f"two values: 0 is {BACKGROUND}, {present[1]} {FOREGROUND}"
        return MaskClasses(names, {0: 0, present[1]: 1}, [note])
    notes = []
    classes = {}
    if _VOID in present and ignore is None:
        inner = [value for value in present if value != _VOID]
        if inner != list(range(inner[0], inner[0] + len(inner))) and max(inner) > len(inner) + 31:
            raise DataError(
                f"{source} has masks of the values {first_few([str(v) for v in present], 12)}, "
                "which nothing names: 255 may be a class or to be ignored. Add a file "
                'class_names.json such as {"background": 0, "road": 128}, or say what to ignore.'
            )
        classes[_VOID] = IGNORED_PIXEL
        notes.append(f"ignored: value 255{share_of(pixels, _VOID)}")
        present = inner
    if present == list(range(12)) and ignore is None:
        notes.append("11 is taken as a class; in CamVid it is unlabelled, which ignore=[11] says")
    names = [f"class_{value}" for value in present]
    if present and present[0] == 0:
        names[0] = BACKGROUND
    elif present:
        notes.append(f"labels begin at {present[0]}: that is class 0 here")
    classes |= {value: place for place, value in enumerate(present)}
    notes.append(f"nothing names the classes: called by their values, {', '.join(names[:3])}...")
    return MaskClasses(names, classes, notes)


def _named(
    present: list[int],
    pixels: Mapping[int, int],
    examples: Mapping[int, str],
    entries: list[ClassEntry],
    ignore: Sequence[int] | None,
    source: str,
) -> MaskClasses:
    """Classes of values that a list names."""
    notes: list[str] = []
    classes: dict[int, int] = {}
    names: list[str] = []
    if all(entry.value is None for entry in entries):
        entries, beyond = _numbered(present, entries, ignore, notes, source)
        if beyond:
            classes[beyond] = IGNORED_PIXEL
            what = f"value {beyond}, one beyond the {beyond} classes{share_of(pixels, beyond)}"
            notes.append(f"ignored: {what}")
    for entry in entries:
        value = entry.value if entry.value is not None else -1
        if value in (ignore or ()):
            continue
        if entry.is_void:
            classes[value] = IGNORED_PIXEL
            notes.append(f"ignored: {entry.name}, value {value}{share_of(pixels, value)}")
        else:
            classes[value] = len(names)
            names.append(entry.name)
    if _VOID in present and _VOID not in classes and ignore is None:
        classes[_VOID] = IGNORED_PIXEL
        notes.append(f"ignored: value 255{share_of(pixels, _VOID)}")
    refuse_others({value: pixels[value] for value in present}, classes, examples, names, source)
    return MaskClasses(names, classes, notes)


def _numbered(
    present: list[int],
    entries: list[ClassEntry],
    ignore: Sequence[int] | None,
    notes: list[str],
    source: str,
) -> tuple[list[ClassEntry], int]:
    """Returns the classes of a list of names with their values, and the value that is no class.

    That value is one beyond the classes, or 0 if there is none.
    """
    count = len(entries)
    inner = [value for value in present if value != _VOID or value < count]
    names = [entry.name for entry in entries]
    has_background = any(name.casefold() in BACKGROUND_NAMES for name in names)
    first = 0
    if inner and min(inner) >= 1 and max(inner) == count:
        notes.append("labels begin at 1: that is the first class")
        first = 1
    elif count <= 2 and present in ([0, 255], [255]) and (count == 1 or has_background):
        notes.append("two values: 0 is background, 255 the other class")
        other = next(name for name in names if name.casefold() not in BACKGROUND_NAMES)
        return [ClassEntry(BACKGROUND, 0), ClassEntry(other, _VOID)], 0
    elif inner and max(inner) == count and ignore is None:
        scene = {name.casefold() for name in names} & {"sky", "road", "building"}
        if count == 1:
            entries = [ClassEntry(BACKGROUND), *entries]
        elif has_background or scene:
            return _values(entries, 0), count
        else:
            raise DataError(
                f"{source} has {count} classes and masks of the values 0 to {count}: either 0 is "
                f"background, which the classes lack, or {count} is to be ignored. Add background "
                f"to the classes, or say ignore=[{count}]."
            )
    return _values(entries, first), 0


def _values(entries: Sequence[ClassEntry], first: int) -> list[ClassEntry]:
    return [ClassEntry(entry.name, first + place) for place, entry in enumerate(entries)]


def refuse_others(
    pixels: Mapping[int, int],
    classes: Mapping[int, int],
    examples: Mapping[int, str],
    names: Sequence[str],
    source: str,
) -> None:
    others = sorted((key for key in pixels if key not in classes), key=lambda key: -pixels[key])
    if others:
        listed = [f"{key_text(key)} ({pixels[key]:,} pixels, {examples[key]})" for key in others]
        raise DataError(
            f"{source} has masks with values beyond its {len(names)} classes: "
            f"{first_few(listed, 3)}. Expected a class for each value. Add them to the class "
            "names, or say what to ignore."
        )


def share_of(pixels: Mapping[int, int], key: int) -> str:
    share = pixels.get(key, 0) / max(1, sum(pixels.values()))
    return f", {share:.1%} of pixels"
