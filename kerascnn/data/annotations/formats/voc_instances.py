"""Instances in Pascal VOC's folders: SegmentationObject says which, SegmentationClass what."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.annotations.form.class_file import ClassEntry, find_class_file, read_class_file
from kerascnn.data.annotations.form.mask_table import MaskError, colour_of, read_values
from kerascnn.data.annotations.form.mask_values import VOC_NAMES
from kerascnn.data.annotations.form.names import BACKGROUND_NAMES
from kerascnn.data.annotations.form.pictures import in_threads
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import BACKGROUND
from kerascnn.data.annotations.formats.split_lists import read_split_lists
from kerascnn.data.annotations.parsing.files import picture_stems, same_name
from kerascnn.data.folders.folder import SkippedFile
from kerascnn.errors import DataError
from kerascnn.names import shown

_VOID = 255


def read_voc_instances(parts: Sequence[tuple[str | None, Path]], root: Path, wish: Wish) -> RawSet:
    """Reads an object for each value of the masks in SegmentationObject.

    Its class is the one that most of its pixels have in SegmentationClass.
    """
    raw = RawSet(note_unused=False)
    path = find_class_file([root])
    entries = wish.classes or (read_class_file(path) if path else None)
    names = [entry.name for entry in entries or map(ClassEntry, (BACKGROUND, *VOC_NAMES))]
    if names[0].casefold() not in BACKGROUND_NAMES:
        names.insert(0, BACKGROUND)
    raw.names = tuple(names)
    named = []
    for split, folder in parts:
        classes = {
            key: found[0]
            for key, found in picture_stems(folder.parent / "SegmentationClass").items()
        }
        photos = picture_stems(wish.pictures or folder.parent / "JPEGImages")
        for stem, found in picture_stems(folder).items():
            if stem not in photos or stem not in classes:
                what = "no mask of classes" if stem in photos else "no picture"
                raw.skipped.append(SkippedFile(found[0], f"{what} of that stem"))
            else:
                image = RawImage(photos[stem][0], found[0].name, split=split, mask=classes[stem])
                named.append((image, found[0], names))
    objects = in_threads(_objects, named)
    images = []
    for (image, path_of_mask, _), things in zip(named, objects, strict=True):
        if isinstance(things, MaskError):
            raw.skipped.append(SkippedFile(image.path, f"{path_of_mask.name}: {things}"))
            continue
        image.objects, image.mask = things, None
        images.append((image, same_name(path_of_mask.stem)))
    raw.images = read_split_lists(
        [folder for _, folder in parts], root, "Segmentation", images, raw
    )
    return raw


def _objects(item: tuple[RawImage, Path, list[str]]) -> list[RawObject] | MaskError:
    image, path, names = item
    try:
        instances, classes = read_values(path), read_values(image.mask or path)
    except MaskError as error:
        return error
    if instances.shape != classes.shape:
        return MaskError("the masks of objects and of classes have different sizes")
    height, width = instances.shape
    image.stated = float(width), float(height)
    found = []
    for value in np.unique(instances).tolist():
        if value in (0, _VOID):
            continue
        if colour_of(value) is not None:
            return MaskError("the mask is stored as RGB; save it with a palette")
        pixels = instances == value
        label = int(np.bincount(classes[pixels]).argmax())
        if label in (0, _VOID):
            continue
        if label >= len(names):
            raise DataError(
                f"{shown(path)} has an object of class {label}, beyond the {len(names)} classes. "
                "Add a file class_names.txt."
            )
        found.append(RawObject(names[label], None, Rle.from_mask(pixels), where=f"object {value}"))
    return found
