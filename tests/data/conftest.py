"""Small image folders to load from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Makes a folder of class folders with images of one colour channel pattern each."""

    def make(
        counts: dict[str, int],
        size: tuple[int, int] = (12, 16),
        grey: bool = False,
        below: str = "photos",
    ) -> Path:
        root = tmp_path / below
        generator = np.random.default_rng(7)
        for name, count in counts.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
                image = Image.fromarray(pixels)
                image = image.convert("L") if grey else image
                image.save(root / name / f"{number:03d}.png")
        return root

    return make
