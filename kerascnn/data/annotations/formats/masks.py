"""Folders of photos and masks: an image file with the class of each pixel for each photo."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.annotations.form.class_file import find_class_file, read_class_file
from kerascnn.data.annotations.form.mask_classes import decide
from kerascnn.data.annotations.form.mask_table import (
    IGNORED_PIXEL,
    MaskError,
    MaskTable,
    read_values,
)
from kerascnn.data.annotations.form.mask_values import FOREGROUND, Hints, MaskClasses
from kerascnn.data.annotations.form.names import clean_name, sorted_names
from kerascnn.data.annotations.form.pictures import in_threads
from kerascnn.data.annotations.form.raw import RawImage, RawSet, Wish
from kerascnn.data.annotations.formats.mask_files import MaskPairs, find_mask_pairs
from kerascnn.data.annotations.formats.split_lists import read_split_lists
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError, InputError
from kerascnn.names import shown

# The Oxford-IIIT Pet set says it by file names: "Abyssinian_1" is a cat, "beagle_1" a dog.
_PET = re.compile(r"[A-Za-z_]+_[0-9]+")
_BREEDS: dict[str, Callable[[str], str]] = {
    "species": lambda stem: "cat" if stem[:1].isupper() else "dog",
    "breed": lambda stem: stem.rsplit("_", 1)[0],
}


def read_masks(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads a folder of photos and masks.

    Names of classes, and values or colours, are those of `class_names` or of a file in the source
    (class_names.txt, labels.txt, label_colors.txt, class_dict.csv, labelmap.txt, classes.json...).

    Raises:
        DataError: No photo has a mask, or values of masks cannot be understood.
    """
    raw = RawSet(note_unused=False)
    pairs = find_mask_pairs(root, wish.pictures)
    named = [(RawImage(p, m.name, split=split, mask=m), p.stem) for split, p, m in pairs.pairs]
    raw.images = read_split_lists(pairs.folders, root, "Segmentation", named, raw)
    raw.skipped += [SkippedFile(path, "no mask for it") for path in pairs.without_mask]
    for path in pairs.without_picture:
        raw.tally.add("masks without a picture, not used", path.name)
    hints = Hints(
        trimaps=any("trimap" in folder.name.lower() for folder in pairs.folders),
        camvid=any(folder.name.lower() == "trainannot" for folder in pairs.folders),
        voc=any(folder.name.lower() == "segmentationclass" for folder in pairs.folders),
    )
    read_mask_values(raw, root, _class_folders(root, pairs), hints, wish)
    return raw


def _class_folders(root: Path, pairs: MaskPairs) -> list[Path]:
    return list(dict.fromkeys([root, *pairs.folders, *(path.parent for path in pairs.folders)]))


def read_mask_values(
    raw: RawSet, root: Path, class_folders: Sequence[Path], hints: Hints, wish: Wish
) -> None:
    """Reads all masks of a set, decides what their values mean, and leaves out damaged ones.

    Raises:
        DataError: No mask can be read, or their values cannot be understood.
        InputError: `foreground` of a set with more than two classes.
    """
    found = in_threads(_look, [image.mask for image in raw.images if image.mask])
    pixels: Counter[int] = Counter()
    examples: dict[int, str] = {}
    kept = []
    keys = []
    for image, look in zip(raw.images, found, strict=True):
        if isinstance(look, MaskError):
            name = image.mask.name if image.mask else ""
            raw.skipped.append(SkippedFile(image.path, f"its mask {name}: {look}"))
            continue
        counts, image.mask_size = look
        keys.append(counts.keys())
        pixels.update(counts)
        for key in counts:
            examples.setdefault(key, image.where)
        kept.append(image)
    if raw.images and not kept:
        raise DataError(
            f"{shown(root)}: none of its {len(raw.images)} mask(s) can be read; the first: "
            f"{raw.skipped[-1].reason}."
        )
    raw.images = kept
    entries = wish.classes
    if entries is None and (path := find_class_file(class_folders)):
        entries = read_class_file(path)
        raw.notes.append(f"classes by {path.name}")
    classes = decide(pixels, examples, entries, wish.ignore, hints, shown(root))
    for image, own in zip(raw.images, keys, strict=True):
        image.mask_classes = tuple(sorted({classes.classes[key] for key in own} - {IGNORED_PIXEL}))
    _name_foreground(classes, raw, wish)
    ordered = sorted(classes.classes)
    values = np.array([classes.classes[key] for key in ordered], np.uint8)
    raw.table = MaskTable(np.array(ordered, np.int32), values)
    raw.names = tuple(clean_name(name, str(root)) for name in classes.names)
    raw.notes += classes.notes
    _count_pixels(raw, classes, pixels)


def _look(path: Path) -> tuple[dict[int, int], tuple[int, int]] | MaskError:
    """Returns how many pixels of a mask have each key, and its width and height."""
    try:
        values = read_values(path)
    except MaskError as error:
        return error
    if values.min(initial=0) < 0:
        return MaskError("the mask has negative values")
    if values.max(initial=0) < 65536:
        counts = np.bincount(values.ravel())
        keys = np.flatnonzero(counts)
        counts = counts[keys]
    else:
        keys, counts = np.unique(values, return_counts=True)
    return dict(zip(keys.tolist(), counts.tolist(), strict=True)), values.shape[::-1]


def _name_foreground(classes: MaskClasses, raw: RawSet, wish: Wish) -> None:
    """Names the foreground of two-valued masks, in all pictures or in each."""
    if wish.foreground is None:
        return
    if len(classes.names) != 2:
        raise InputError(
            f"foreground is for masks of background and one class. Received masks of "
            f"{len(classes.names)} classes: {', '.join(classes.names[:5])}. Leave foreground out."
        )
    if isinstance(wish.foreground, str) and wish.foreground not in _BREEDS:
        classes.names[1] = wish.foreground
        return
    name_of = wish.foreground if callable(wish.foreground) else _BREEDS[wish.foreground]
    for image in raw.images:
        if isinstance(wish.foreground, str) and not _PET.fullmatch(image.path.stem):
            raise InputError(
                f"foreground={wish.foreground!r} is for the Oxford-IIIT Pet set, whose files are "
                f"named Abyssinian_1 or beagle_1. Received: {shown(image.path.name)}. Give the "
                "name of the foreground, or a function."
            )
        image.foreground = clean_name(name_of(image.path.stem), image.path.name)
    names = sorted_names({image.foreground or FOREGROUND for image in raw.images})
    classes.names[1:] = names
    raw.notes.append(f"the foreground is {', '.join(names[:5])}, by the names of the pictures")


def _count_pixels(raw: RawSet, classes: MaskClasses, pixels: Counter[int]) -> None:
    if any(image.foreground for image in raw.images):
        return  # the foreground's pixels were not counted by picture
    counts = [0] * len(classes.names)
    for key, count in pixels.items():
        if classes.classes[key] != IGNORED_PIXEL:
            counts[classes.classes[key]] += count
    raw.pixel_counts = tuple(counts)
    empty = [name for name, count in zip(classes.names, counts, strict=True) if not count]
    if empty:
        more = "..." if len(empty) > 5 else ""
        raw.notes.append(f"classes without any pixel: {', '.join(empty[:5])}{more}")
