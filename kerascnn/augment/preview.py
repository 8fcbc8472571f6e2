"""Pictures of what pipelines do."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerascnn.augment.named import NAMES, get
from kerascnn.augment.step import Step
from kerascnn.errors import InputError

_MARGIN, _CAPTION = 4, 16  # pixels
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


Draw = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def preview(
    pipeline: Step,
    images: np.ndarray,
    *,
    draws: int = 4,
    seed: int = 0,
    title: str = "",
    boxes: np.ndarray | None = None,
    draw: Draw | None = None,
) -> np.ndarray:
    """Draws a grid of images: a column per image, a row per draw, with captions.

    Args:
        pipeline: Without batch mixers (their labels could not be shown).
        images: uint8 `[n, H, W, 1 or 3]`.
        draws: How many rows below the originals.
        seed: Of the draws; row i is epoch i of a training with this seed.
        title: Of the whole picture.
        boxes: `[n, k, 4]` (left, top, right, bottom) in pixels, which move with the images.
        draw: With boxes: from an image, its boxes and its place among the images to the image with
            the boxes drawn.

    Returns:
        uint8 `[height, width, 3]`.
    """
    if draws < 1:
        raise InputError(f"`draws` must be 1 or more. Received: {draws}")
    rows = [("original", _drawn(images, boxes, draw))]
    for i in range(draws):
        given = {} if boxes is None else {"boxes": boxes}
        found = pipeline(images, **given, seed=seed, epoch=i)
        moved, own = (found, None) if boxes is None else found
        rows.append((f"draw {i + 1}", _drawn(moved, own, draw)))
    return _page(rows, title)


def _drawn(images: Any, boxes: Any, draw: Draw | None) -> np.ndarray:
    if boxes is None or draw is None:
        return np.asarray(images)
    pairs = enumerate(zip(np.asarray(images), np.asarray(boxes), strict=True))
    return np.stack([draw(image, own, place) for place, (image, own) in pairs])


def gallery(image: np.ndarray, *, draws: int = 6, seed: int = 0, title: str = "") -> np.ndarray:
    """Draws one image under every named pipeline: a row per pipeline, a column per draw.

    Args:
        image: uint8 `[H, W, 1 or 3]`.
        draws: How many columns.
        seed: Of the draws.
        title: Of the whole picture.

    Returns:
        uint8 `[height, width, 3]`.
    """
    if draws < 1:
        raise InputError(f"`draws` must be 1 or more. Received: {draws}")
    rows = []
    for name, named in NAMES.items():
        pipeline = get(name, image.shape[:2])
        copies = np.stack([image] * (draws if pipeline.steps else 1))
        rows.append((f"{name}: {named.about}", pipeline(copies, seed=seed)))
    return _page(rows, title)


def _page(rows: list[tuple[str, np.ndarray]], title: str) -> np.ndarray:
    """Rows of images under their captions."""
    from PIL import Image, ImageDraw

    width = max(len(row) * (row.shape[2] + _MARGIN) for _, row in rows) + _MARGIN
    top = _CAPTION if title else 0
    height = sum(row.shape[1] + _CAPTION for _, row in rows) + top + _MARGIN
    page = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((_MARGIN, 2), title, fill=_INK)
    for caption, row in rows:
        pen.text((_MARGIN, top + 2), caption, fill=_INK)
        for i, image in enumerate(row):
            tile = Image.fromarray(np.broadcast_to(image, (*image.shape[:2], 3)))
            page.paste(tile, (_MARGIN + i * (image.shape[1] + _MARGIN), top + _CAPTION))
        top += _CAPTION + row.shape[1]
    return np.asarray(page)
