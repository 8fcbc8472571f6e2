"""What the values or colours of a source's masks mean."""

from collections.abc import Mapping, Sequence

from kerascnn.data.annotations.form.class_file import ClassEntry
from kerascnn.data.annotations.form.mask_table import (
    IGNORED_PIXEL,
    MOST_CLASSES,
    colour_key,
    colour_of,
    key_text,
    voc_colours,
)
from kerascnn.data.annotations.form.mask_values import (
    VOC_NAMES,
    Hints,
    MaskClasses,
    by_value,
    refuse_others,
    share_of,
)
from kerascnn.data.annotations.form.structure import BACKGROUND
from kerascnn.errors import DataError
from kerascnn.names import first_few

_VOC_BORDER = 224 << 16 | 224 << 8 | 192


def decide(
    pixels: Mapping[int, int],
    examples: Mapping[int, str],
    entries: Sequence[ClassEntry] | None,
    ignore: Sequence[int] | None,
    hints: Hints,
    source: str,
) -> MaskClasses:
    """Returns the classes of the keys that masks hold.

    Args:
        pixels: By key (`mask_table.colour_key`), how many pixels have it in all masks.
        examples: By key, a file that has it.
        entries: The classes that a file or the caller names; None if nothing does.
        ignore: Values that the caller wants to be ignored.
        hints: What the arrangement says.
        source: For messages.

    Raises:
        DataError: Values or colours that are of no class, or that cannot be understood.
    """
    notes: list[str] = []
    grey: dict[int, int] = {}  # keys of grey pixels stored as RGB, and their values
    colours = {key: colour for key in pixels if (colour := colour_of(key)) is not None}
    if colours and all(colour % 0x10101 == 0 for colour in colours.values()):
        grey = {key: colour // 0x10101 for key, colour in colours.items()}
        if not (entries and entries[0].colour is not None):
            colours = {}
            notes.append("masks stored as RGB hold grey: taken as values")
    if colours:
        found = _by_colour(pixels, colours, examples, entries, ignore, source)
    else:
        values = {grey.get(key, key): count for key, count in pixels.items()}
        names = {grey.get(key, key): example for key, example in examples.items()}
        found = by_value(values, names, entries, ignore, hints, source)
        found.classes |= {key: found.classes[value] for key, value in grey.items()}
    found.notes = notes + found.notes
    if len(found.names) > MOST_CLASSES:
        raise DataError(f"{source} has {len(found.names)} classes; {MOST_CLASSES} are the most.")
    return found


def _by_colour(
    pixels: Mapping[int, int],
    colours: Mapping[int, int],
    examples: Mapping[int, str],
    entries: Sequence[ClassEntry] | None,
    ignore: Sequence[int] | None,
    source: str,
) -> MaskClasses:
    if len(colours) < len(pixels):
        raise DataError(
            f"{source} has masks of colours and masks of values. Expected one kind. Save all alike."
        )
    notes: list[str] = []
    if not entries or entries[0].colour is None:
        known = voc_colours(21)
        if not set(colours.values()) <= {*known, _VOC_BORDER}:
            listed = [key_text(key) for key in sorted(pixels, key=lambda k: -pixels[k])]
            raise DataError(
                f"{source} has masks in colours that nothing names: {first_few(listed)}. Expected "
                "palette or grey masks, or a file label_colors.txt with lines such as "
                f"'{listed[0]} road'. Add it, or give class_names."
            )
        names = [entry.name for entry in entries or ()] or [BACKGROUND, *VOC_NAMES]
        entries = [ClassEntry(*pair) for pair in zip(names, known, strict=False)]
        entries = [ClassEntry(entry.name, colour=entry.value) for entry in entries]
        entries.append(ClassEntry("void", colour=_VOC_BORDER))
        notes.append("colours are those of Pascal VOC's colour map")
    classes, names = {}, []
    for entry in entries:
        key = colour_key(entry.colour or 0)
        if entry.is_void or (ignore and (entry.colour in ignore)):
            classes[key] = IGNORED_PIXEL
            if key in pixels:
                notes.append(
                    f"ignored: {entry.name}, colour {key_text(key)}{share_of(pixels, key)}"
                )
        else:
            classes[key] = len(names)
            names.append(entry.name)
    refuse_others(pixels, classes, examples, names, source)
    return MaskClasses(names, classes, notes)
