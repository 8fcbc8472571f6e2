"""Pieces of annotation files, and questions to what was read of them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def write_picture(path: Path, size: tuple[int, int] = (40, 30), orientation: int | None = None):
    """Writes a picture of width x height pixels, with an EXIF orientation if one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    pixels[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, np.newaxis]
    extra = {}
    if orientation is not None:
        extra["exif"] = exif_block(orientation)
    Image.fromarray(pixels).save(path, **extra)
    return path


def exif_block(orientation: int) -> bytes:
    """An EXIF block with an orientation of any value, as a 32-bit number if it needs one."""
    kind, size = (3, 2) if orientation < 65536 else (4, 4)
    value = orientation.to_bytes(size, "little").ljust(4, b"\0")
    entry = (0x0112).to_bytes(2, "little") + kind.to_bytes(2, "little")
    entry += (1).to_bytes(4, "little") + value
    tiff = b"II*\0" + (8).to_bytes(4, "little") + (1).to_bytes(2, "little") + entry + b"\0" * 4
    return b"Exif\0\0" + tiff


def box(number: Any, category: Any, **other: Any) -> dict[str, Any]:
    """A COCO annotation of image 1 with the box (5, 6, 15, 26)."""
    return {
        "id": number,
        "image_id": 1,
        "category_id": category,
        "bbox": [5, 6, 10, 20],
        "iscrowd": 0,
        **other,
    }


def voc_object(name: str, *edges: Any, extra: str = "") -> str:
    """An object of VOC XML."""
    tags = ("xmin", "ymin", "xmax", "ymax")
    inner = "".join(f"<{tag}>{edge}</{tag}>" for tag, edge in zip(tags, edges, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{inner}</bndbox></object>"


def boxes_of(annotations: Any) -> list[tuple[float, ...]]:
    """All boxes of a set, in its order."""
    return [thing.box for image in annotations.images for thing in image.objects]


def names_of(annotations: Any) -> list[str]:
    """The class names of all objects of a set, in its order."""
    return [
        annotations.class_names[thing.label]
        for image in annotations.images
        for thing in image.objects
    ]


def note(annotations: Any, start: str) -> str:
    """The one note of a set that begins with a text."""
    found = [text for text in annotations.notes if text.startswith(start)]
    assert len(found) == 1, annotations.notes
    return found[0]
