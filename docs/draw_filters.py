"""Draws docs/filters.png: one photo under classic filters, each with its kernel and its gain.

    python docs/draw_filters.py PHOTO [--side 200]

The picture in docs/signal.md is made of sunflowers/145303599_2627e23815_n.jpg of tf_flowers.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from kerascnn import data, signal

OUT = Path(__file__).with_name("filters.png")
FILTERS = {
    "gaussian(2)": signal.gaussian(2.0),
    "sharpen()": signal.sharpen(),
    'sobel("vertical")': signal.sobel(),
    'sobel("horizontal")': signal.sobel("horizontal"),
    "laplacian()": signal.laplacian(),
    "gabor(8, pi / 4)": signal.gabor(8.0, np.pi / 4),
}


def main() -> None:
    """Writes the picture: photos above, kernels in the middle, gains below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--side", type=int, default=200, help="pixels of the photo")
    options = parser.parse_args()
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    photo = data.load_image(options.photo, options.side, 3, data.ResizeRule(fit="crop"))
    gray = np.asarray(photo, float).mean(-1)
    figure, axes = plt.subplots(3, len(FILTERS), figsize=(10, 5.2), layout="constrained")
    for column, (name, kernel) in enumerate(FILTERS.items()):
        filtered = signal.filter_image(gray, kernel)
        gain = signal.frequency_response(kernel, 64).gain
        top, middle, bottom = axes[:, column]
        top.set_title(name, fontsize=9)
        if kernel.sum() > 0.5:  # brightness stays
            top.imshow(filtered, cmap="gray", vmin=0, vmax=255)
        else:  # gray is 0
            reach = np.percentile(np.abs(filtered), 99)
            top.imshow(filtered, cmap="gray", vmin=-reach, vmax=reach)
        reach = np.abs(kernel).max()
        middle.imshow(kernel, cmap="RdBu_r", vmin=-reach, vmax=reach)
        bottom.imshow(gain, cmap="viridis", vmin=0, extent=(-0.5, 0.5, 0.5, -0.5))
        for axis in (top, middle):
            axis.axis("off")
        bottom.set_xticks([-0.5, 0, 0.5])
        bottom.set_yticks([-0.5, 0, 0.5] if column == 0 else [])
        bottom.tick_params(labelsize=7)
    axes[2, 0].set_ylabel("cycles per pixel", fontsize=8)
    figure.savefig(OUT, dpi=80)


if __name__ == "__main__":
    main()
