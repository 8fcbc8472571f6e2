"""The source that is pictures with annotated boxes, for object detection."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from kerascnn.data.annotations import AnnotationSet, read_annotations
from kerascnn.data.collection import Collection
from kerascnn.data.images.resize import ResizeRule
from kerascnn.data.plan import Request
from kerascnn.data.scan import scan
from kerascnn.data.stores import FileStore
from kerascnn.errors import DataError, InputError
from kerascnn.files import PathLike
from kerascnn.names import shown
from kerascnn.tasks.boxes import CROWD, DIFFICULT, Row

DETECTION = "detection"
STRETCH = ResizeRule(fit="stretch")


def read_annotated(
    source: PathLike, request: Request, data_dir: PathLike | None = None
) -> Collection:
    """Returns the readable pictures of a set of annotations, with their boxes.

    Pictures are stretched to their new size, as devices do, and boxes with them.

    Args:
        source: A folder, an annotation file or "tfds:NAME", as `read_annotations` takes it.
        request: What the pictures shall become.
        data_dir: The folder of prepared TFDS sets.

    Raises:
        DataError: No annotations, no readable picture with a box, or no training pictures.
        InputError: A resize rule that boxes do not follow.
    """
    if request.resize is not None and request.resize.fit != "stretch":
        raise InputError(
            "detection takes whole pictures: resize must be 'auto' or 'stretch'. Received: "
            f"{request.resize.fit!r}."
        )
    found = read_annotations(source, "detection", decode=False, data_dir=data_dir)
    scanned = scan(
        [image.path for image in found.images],
        replace(request, resize=request.resize or STRETCH),
        found.skipped,
    )
    kept = found.subset(scanned.rows)
    if not any(image.objects for image in kept.images):
        raise DataError(f"{shown(source)} has no readable picture with a box. Mend the pictures.")
    official = kept.official
    if "train" not in official:
        raise DataError(
            f"{shown(source)} has no training pictures, only: {', '.join(official)}. Name the "
            "folder that holds all splits, or a file of training pictures."
        )
    store = scanned.store
    if isinstance(store, FileStore):
        store = replace(store, kept=found)  # those of a TFDS set are temporary files
    return Collection(
        store=store,
        labels=box_rows(kept),
        keys=[image.key for image in kept.images],
        paths=[image.path for image in kept.images],
        class_names=kept.class_names,
        plan=scanned.plan,
        official=official,
        task=DETECTION,
        skipped=scanned.skipped,
        notes=(f"annotations: {found.format}", *found.notes, *scanned.notes),
        warnings=scanned.warnings,
    )


def box_rows(annotations: AnnotationSet) -> np.ndarray:
    """Returns the objects of each picture as rows of `kerascnn.tasks.boxes.Row`, float32.

    Shape `[pictures, objects, 9]`, objects being the most that a picture has (1 at least); rows
    that are left over have the label -1.
    """
    most = max(1, *(len(image.objects) for image in annotations.images))
    rows = np.zeros((len(annotations.images), most, len(Row)), np.float32)
    rows[..., Row.LABEL] = -1
    for place, image in zip(rows, annotations.images, strict=True):
        place[:, Row.WIDTH], place[:, Row.HEIGHT] = image.width, image.height
        if not image.objects:
            continue
        size = np.array([image.width, image.height] * 2, np.float32)
        count = len(image.objects)
        place[:count, : Row.BOTTOM + 1] = image.boxes / size
        place[:count, Row.LABEL] = image.labels
        place[:count, Row.FLAG] = [
            CROWD if one.crowd else DIFFICULT if one.difficult else 0 for one in image.objects
        ]
        place[:count, Row.AREA] = [one.size for one in image.objects]
    return rows


def annotation_files(source: Path) -> list[Path]:
    """Returns what a source is known again by: the file, or all files below the folder."""
    if not source.is_dir():
        return [source]
    return sorted(
        path
        for path in source.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(source).parts)
    )
