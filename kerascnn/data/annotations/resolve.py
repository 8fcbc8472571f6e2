"""From what annotation files state to pictures of known size with valid objects."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from kerascnn.data.annotations.form.names import Classes, find_classes
from kerascnn.data.annotations.form.pictures import Picture, open_pictures
from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.form.structure import (
    SPLITS,
    AnnotatedImage,
    AnnotatedObject,
    AnnotationSet,
)
from kerascnn.data.annotations.geometry import Mover, placements
from kerascnn.data.annotations.mask_fit import fit_mask
from kerascnn.data.folders.folder import SkippedFile, looks_like_an_image
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown


def resolve(raw: RawSet, wish: Wish, format: str, source: str, root: Path) -> AnnotationSet:
    """Opens the pictures, checks every object, and returns what can be used.

    Args:
        raw: What a reader found.
        wish: What the caller asked for.
        format: The format read.
        source: What was read, for messages.
        root: The folder to which keys are relative.

    Raises:
        DataError: No picture can be used, or none has an object.
    """
    images = _merged(raw)
    if not images:
        problem = f"{shown(source)} annotates no picture that is there"
        raise DataError(_nothing(problem, raw, "Name the folder of the pictures with `pictures`."))
    classes = find_classes(raw, wish, source)
    _note_unused(images, raw)
    opened = open_pictures([image.path for image in images], wish.decode)
    usable: list[tuple[RawImage, Picture]] = []
    for image, picture in zip(images, opened, strict=True):
        if isinstance(picture, Picture):
            usable.append((image, picture))
        else:
            raw.skipped.append(SkippedFile(image.path, str(picture)))
    found = placements([image for image, _ in usable], [p for _, p in usable], raw.tally)
    resolved = []
    for (image, picture), placement in zip(usable, found, strict=True):
        if isinstance(placement, str):
            raw.skipped.append(SkippedFile(image.path, placement))
            continue
        mover = Mover(image, picture, placement, raw.tally)
        resolved.append(
            AnnotatedImage(
                path=image.path,
                key=_key(image.path, root),
                height=picture.height,
                width=picture.width,
                objects=tuple(_objects(mover, classes, wish)),
                split=image.split,
                mask=fit_mask(image, picture, classes, raw),
            )
        )
    if raw.misfits:
        raise DataError(
            f"{shown(source)} has {len(raw.misfits)} mask(s) that do not fit their picture: "
            f"{first_few(raw.misfits, 3)}. Expected the picture's size, or its aspect ratio. "
            "Remove the pictures or mend the masks."
        )
    resolved.sort(key=lambda image: (SPLITS.index(image.split or "train"), image.key))
    _check(resolved, wish, raw, source)
    return AnnotationSet(
        images=tuple(resolved),
        class_names=classes.names,
        task=wish.task,
        format=format,
        source=source,
        skipped=tuple(raw.skipped),
        notes=(
            *raw.notes,
            *classes.notes,
            *_unused_classes(resolved, classes, raw),
            *raw.tally.notes(),
        ),
        pixel_counts=raw.pixel_counts,
        _table=raw.table,
        _kept=raw.kept,
    )


def _merged(raw: RawSet) -> list[RawImage]:
    """Returns one record for each file: the objects of several are put together."""
    by_path: dict[Path, RawImage] = {}
    for image in raw.images:
        known = by_path.setdefault(image.path, image)
        if known is image:
            continue
        raw.tally.add("pictures with more than one record, merged", image.path.name)
        known.objects += image.objects
        if known.split != image.split:
            known.split = max(known.split, image.split, key=lambda s: SPLITS.index(s or "train"))
            raw.tally.add("pictures in more than one split, kept in the last", image.path.name)
    return list(by_path.values())


def _objects(mover: Mover, classes: Classes, wish: Wish) -> Iterable[AnnotatedObject]:
    """Yields the valid objects of one image, each once."""
    seen: set[tuple[object, ...]] = set()
    for thing in mover.image.objects:
        label = classes.label(thing.name, mover.tally, mover.where(thing))
        box = None if label is None else mover.box(thing)
        if label is None or box is None:
            continue
        outline = mover.outline(thing)
        if wish.task == "segmentation" and outline is None:
            mover.tally.add("boxes without an outline, of no use for masks", mover.where(thing))
            continue
        identity = (label, box, thing.crowd, _content(thing))
        if identity in seen:
            mover.tally.add("objects that stand twice, dropped", mover.where(thing))
            continue
        seen.add(identity)
        yield AnnotatedObject(label, box, thing.crowd, thing.difficult, mover.area(thing), outline)


def _content(thing: RawObject) -> bytes:
    if isinstance(thing.outline, Polygons):
        return b"|".join(ring.tobytes() for ring in thing.outline.rings)
    return b"" if thing.outline is None else thing.outline.counts.tobytes()


def _key(path: Path, root: Path) -> str:
    return unicodedata.normalize("NFC", Path(os.path.relpath(path, root)).as_posix())


def _note_unused(images: list[RawImage], raw: RawSet) -> None:
    """Counts the pictures that lie beside annotated ones and are named by no annotation."""
    if not raw.note_unused:
        return
    known = {image.path for image in images} | {file.path for file in raw.skipped}
    for folder in dict.fromkeys(image.path.parent for image in images):
        for path in sorted(folder.iterdir()):
            if looks_like_an_image(path) and path not in known and not path.name.startswith("."):
                raw.tally.add("pictures without an annotation, not used", path.name)


def _unused_classes(images: list[AnnotatedImage], classes: Classes, raw: RawSet) -> tuple[str, ...]:
    if raw.table is not None:
        return ()
    used = {thing.label for image in images for thing in image.objects}
    empty = [
        name
        for label, name in enumerate(classes.names)
        if label not in used and not (classes.has_background and label == 0)
    ]
    return (f"classes without any object: {first_few(empty)}",) if empty else ()


def _check(images: list[AnnotatedImage], wish: Wish, raw: RawSet, source: str) -> None:
    if not images:
        raise DataError(_nothing(f"no picture of {shown(source)} can be used", raw, "Mend them."))
    if not any(image.objects or image.mask for image in images):
        kind = "outline" if wish.task == "segmentation" else "box"
        problem = f"{shown(source)} has {len(images)} picture(s) and not one usable {kind}"
        raise DataError(_nothing(problem, raw, raw.remedy))


def _nothing(problem: str, raw: RawSet, remedy: str) -> str:
    """The message of a set of which nothing is left, with what was dropped."""
    reasons = [f"{shown(file.path)} ({file.reason})" for file in raw.skipped[:2]]
    reasons += list(raw.tally.notes()[:4])
    dropped = f" Dropped: {'; '.join(reasons)}." if reasons else ""
    return f"{problem}.{dropped} {remedy}".rstrip()
