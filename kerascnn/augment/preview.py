"""A picture of what a pipeline does: originals in the first row, draws below."""

import numpy as np

from kerascnn.augment.compose import Compose
from kerascnn.errors import InputError

_MARGIN, _CAPTION = 4, 16  # pixels
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def preview(
    pipeline: Compose, images: np.ndarray, *, draws: int = 4, seed: int = 0, title: str = ""
) -> np.ndarray:
    """Draws a grid of images: a column per image, a row per draw, with captions.

    Args:
        pipeline: Without batch mixers (their labels could not be shown).
        images: uint8 `[n, H, W, 1 or 3]`.
        draws: How many rows below the originals.
        seed: Of the draws; row i is epoch i of a training with this seed.
        title: Of the whole picture.

    Returns:
        uint8 `[height, width, 3]`.
    """
    from PIL import Image, ImageDraw

    if draws < 1:
        raise InputError(f"`draws` must be 1 or more. Received: {draws}")
    rows = [("original", images)]
    rows += [(f"draw {i + 1}", pipeline(images, seed=seed, epoch=i)) for i in range(draws)]
    width = max(len(row) * (row.shape[2] + _MARGIN) for _, row in rows) + _MARGIN
    height = sum(row.shape[1] + _CAPTION for _, row in rows) + _CAPTION + _MARGIN
    page = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((_MARGIN, 2), title, fill=_INK)
    top = _CAPTION
    for caption, row in rows:
        pen.text((_MARGIN, top + 2), caption, fill=_INK)
        for i, image in enumerate(row):
            tile = Image.fromarray(np.broadcast_to(image, (*image.shape[:2], 3)))
            page.paste(tile, (_MARGIN + i * (image.shape[1] + _MARGIN), top + _CAPTION))
        top += _CAPTION + row.shape[1]
    return np.asarray(page)
