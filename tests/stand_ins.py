"""What takes the place of photos, of published networks and of long training."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn.models import mobilenet
from kerascnn.transfer import Phase

CLASSES, PHOTOS = ("daisy", "rose", "tulip"), 10


def write_photos(folder: Path) -> None:
    """Ten images of 40x40 pixels for each of three classes, each of another colour."""
    generator = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for image in range(PHOTOS):
            pixels = generator.integers(0, 80, (40, 40, 3), np.uint8)
            pixels[..., number] += 120
            Image.fromarray(pixels).save(folder / name / f"{image}.png")


def small_backbone(input_shape, *, include_top, weights, alpha=1.0):
    """A backbone in place of `keras.applications.MobileNetV2`, without a download."""
    images = keras.Input(input_shape)
    x = layers.AveragePooling2D(16)(images)
    for _ in range(2):
        x = layers.Conv2D(8, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(images, x, name="small")


def few_digits(patch: pytest.MonkeyPatch) -> None:
    """A third of the embedded digits."""
    from sklearn import datasets

    digits = datasets.load_digits()
    few = SimpleNamespace(
        images=digits.images[:600], target=digits.target[:600], target_names=digits.target_names
    )
    patch.setattr(datasets, "load_digits", lambda: few)


def shallow_mobilenet(patch: pytest.MonkeyPatch) -> None:
    """MobileNet with one block per stage."""
    blocks = tuple(
        block for place, block in enumerate(mobilenet.BLOCKS) if place == 0 or block[1] == 2
    )
    patch.setattr(mobilenet, "BLOCKS", blocks)


def short_phases(learning_rate: float = 1e-3) -> tuple[Phase, ...]:
    """One epoch each, in place of `kerascnn.transfer.default_phases`."""
    return (
        Phase(name="head", until="head", epochs=1, learning_rate=3e-3, augment=False),
        Phase(name="all", until=0.0, epochs=1, learning_rate=learning_rate),
    )
