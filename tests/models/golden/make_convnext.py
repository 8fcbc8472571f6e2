"""Writes convnext_tiny_torchvision.npz and convnext_tiny_timm.npz: outputs on fixed weights.

    python make_convnext.py

in the environment that `torch_oracle.py` describes.
"""

from inception_recording import pixels, write
from make_inception import MEAN, STD, record, shapes
from torch_oracle import timm, torchvision

SIZE = 64


def main() -> None:
    """Writes both files."""
    image = (pixels(SIZE) / 255 - MEAN) / STD
    model = torchvision.models.convnext_tiny(weights=None, num_classes=10)
    taps = {f"stage{level}": model.features[2 * level - 3] for level in (2, 3, 4, 5)}
    outputs = record(model, {"stem_norm": model.features[0], **taps}, image)
    write("convnext_tiny_torchvision", shapes(model), outputs, SIZE)

    model = timm.create_model("convnext_tiny", num_classes=10)
    taps = {f"stage{level}": model.stages[level - 2] for level in (2, 3, 4, 5)}
    outputs = record(model, {"stem_norm": model.stem, **taps}, image)
    write("convnext_tiny_timm", shapes(model), outputs, SIZE)


if __name__ == "__main__":
    main()
