"""Draws docs/augmentation.png: one photo under every named pipeline.

    python docs/draw_augmentation.py PHOTO [--side 88] [--draws 6]

The picture in docs/augmentation.md is made of sunflowers/145303599_2627e23815_n.jpg of tf_flowers.
"""

import argparse
from pathlib import Path

from PIL import Image

from kerascnn import augment, data

OUT = Path(__file__).with_name("augmentation.png")


def main() -> None:
    """Writes the picture with 256 colours, a third of the bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--side", type=int, default=88, help="pixels of each tile")
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    photo = data.load_image(options.photo, options.side, 3, data.ResizeRule(fit="crop"))
    page = Image.fromarray(augment.gallery(photo, draws=options.draws))
    colors = page.quantize(256)
    page.quantize(palette=colors, dither=Image.Dither.FLOYDSTEINBERG).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
