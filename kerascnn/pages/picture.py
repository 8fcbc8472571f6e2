"""Images inside a page."""

import base64
import io

import numpy as np
from PIL import Image

from kerascnn.pages import format as page

TINY = 64  # shorter images are shown pixel by pixel, larger ones as photographs
THUMBNAIL = 168  # the longer side of a photograph, in pixels


def inline(pixels: np.ndarray, alt: str, size: int = THUMBNAIL) -> str:
    """An `<img>` that holds its image.

    Args:
        pixels: uint8 `[H, W, 1 or 3]`.
        alt: What it shows, as plain text.
        size: Larger images are shrunk until their longer side has so many pixels.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    tiny = max(image.size) <= TINY
    image.thumbnail((size, size))
    stream, kind = io.BytesIO(), "png" if tiny else "jpeg"
    image.save(stream, kind, quality=88)
    data = base64.b64encode(stream.getvalue()).decode()
    look = " class=pixelated" if tiny else ""
    return f'<img{look} src="data:image/{kind};base64,{data}" alt="{page.text(alt)}">'
