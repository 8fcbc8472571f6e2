"""Boxes drawn on images."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Of the classes in turn: told apart by most people with a colour deficiency (Okabe, Ito 2008).
COLORS = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)),
    *((0, 114, 178), (213, 94, 0), (204, 121, 167)),
)


def draw_boxes(
    pixels: np.ndarray,
    boxes: np.ndarray,
    labels: Sequence[int],
    captions: Sequence[str] = (),
) -> np.ndarray:
    """An image with boxes, each in the colour of its class.

    Args:
        pixels: uint8 `[H, W, 1 or 3]`.
        boxes: `[n, 4]` (left, top, right, bottom) as shares of the image.
        labels: The class of each box.
        captions: A text for each box; none to draw none.

    Returns:
        uint8 `[H, W, 3]`.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    draw = ImageDraw.Draw(image)
    width = max(1, round(min(image.size) / 160))
    font = ImageFont.load_default(max(9.0, min(image.size) / 28))
    size = np.array([image.width, image.height] * 2)
    last = np.array([image.width - 1, image.height - 1] * 2)
    for place, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        left, top, right, bottom = np.clip(np.round(box * size), 0, last).astype(int).tolist()
        color = COLORS[int(label) % len(COLORS)]
        draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=color, width=width)
        if captions:
            _write(draw, captions[place], (left, top), color, font, image.size)
    return np.asarray(image)


def _write(
    draw: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[int, int],
    color: tuple[int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    """A text above a corner, or below it where there is no room, within the image."""
    box = draw.textbbox((0, 0), text, font=font)
    wide, high = box[2] + 4, box[3] + 3
    x = max(0, min(corner[0], size[0] - int(wide)))
    y = corner[1] - int(high) if corner[1] >= high else min(corner[1], size[1] - int(high))
    draw.rectangle((x, y, x + wide, y + high), fill=color)
    draw.text((x + 2, y + 1), text, fill=(0, 0, 0), font=font)
