"""Writing annotations as COCO JSON, for other programs and for pycocotools."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.data.annotations.form.polygons import Polygons
from kerascnn.data.annotations.form.rle import Rle
from kerascnn.data.annotations.form.structure import AnnotatedObject, AnnotationSet
from kerascnn.files import JSON, PathLike, write_text


def to_coco(
    annotations: AnnotationSet,
    rows: Sequence[int] | np.ndarray | None = None,
    folder: PathLike | None = None,
) -> dict[str, Any]:
    """Returns pictures and objects in COCO's form, as pycocotools reads it.

    Ids count from 1: pycocotools takes an annotation of id 0 for none. An image's id is its place
    in `rows` plus 1, a category's its label plus 1.

    Args:
        annotations: A set with objects.
        rows: The pictures, in this order; None for all.
        folder: The folder to which file names are relative; None for names alone.
    """
    chosen = range(len(annotations.images)) if rows is None else [int(row) for row in rows]
    images: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    for number, row in enumerate(chosen, 1):
        image = annotations.images[row]
        name = image.path.name if folder is None else os.path.relpath(image.path, folder)
        images.append(
            {
                "id": number,
                "file_name": Path(name).as_posix(),
                "width": image.width,
                "height": image.height,
            }
        )
        for thing in image.objects:
            if thing.label >= 0:
                objects.append(_object(thing, len(objects) + 1, number, image.height, image.width))
    categories = [
        {"id": label, "name": name, "supercategory": "none"}
        for label, name in enumerate(annotations.class_names, 1)
    ]
    return {"info": {}, "images": images, "annotations": objects, "categories": categories}


def write_coco(
    annotations: AnnotationSet,
    path: PathLike,
    rows: Sequence[int] | np.ndarray | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Writes a COCO JSON file; names of pictures are relative to its folder.

    Raises:
        OutputExistsError: The file exists and `overwrite` is False.
    """
    document = to_coco(annotations, rows, folder=Path(path).absolute().parent)
    write_text(path, json.dumps(document, ensure_ascii=False), JSON, overwrite=overwrite)


def _object(
    thing: AnnotatedObject, number: int, image: int, height: int, width: int
) -> dict[str, Any]:
    x0, y0, x1, y1 = thing.box
    outline: Any = []
    area = thing.area
    if isinstance(thing.outline, Polygons) and not (thing.crowd or thing.outline.with_outline):
        outline = [ring.ravel().tolist() for ring in thing.outline.rings]
    elif thing.outline is not None:  # exactly the pixels that it has here
        runs = thing.outline
        if isinstance(runs, Polygons):
            runs = Rle.from_mask(runs.mask(height, width))
        outline = runs.to_coco()
        area = float(runs.area) if area is None else area
    if area is None:
        mask = thing.mask(height, width)
        area = float(mask.sum()) if mask is not None else thing.size
    return {
        "id": number,
        "image_id": image,
        "category_id": thing.label + 1,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": area,
        "iscrowd": int(thing.crowd),
        "segmentation": outline,
    }
