"""Images to augment."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]


def synthetic(height: int, width: int) -> np.ndarray:
    """Smooth colours with an edge: every value 0..255 occurs in every channel."""
    y, x = np.mgrid[:height, :width]
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = 127.5 + 127.5 * np.sin(x / 9) * np.cos(y / 7)
    image = np.stack([red, green, blue], axis=-1)
    image[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 90)
    return image.round().astype(np.uint8)


@pytest.fixture(scope="session")
def photos() -> np.ndarray:
    """uint8 `[4, 96, 128, 3]`: three photos of flowers and a synthetic image.

    Without the folder of reference data, four synthetic images: what is tested holds for any.
    """
    image = synthetic(96, 128)
    shared = Path(os.environ.get("KERASCNN_SHARED", REPOSITORY.parent / "shared"))
    files = sorted((shared / "photos" / "tf_flowers" / "roses").glob("*.jpg"))[:3]
    if not files:
        return np.stack([image, image[::-1], image[:, ::-1], 255 - image])
    images = [np.asarray(Image.open(f).convert("RGB").resize((128, 96))) for f in files]
    return np.stack([*images, image])
