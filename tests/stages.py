"""What the pages of the documentation name and do not make: files, and networks of others.

A page is run as it is printed, in a folder of its own. What it finds there, and what takes the
place of a download, is set up by the functions here; `tests/test_guides.py` says which page needs
which.
"""

import csv
import inspect
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
from stand_ins import CLASSES, PHOTOS, few_digits, short_phases, small_backbone, write_photos


def photos(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """`photos/`: a folder of images for each of three classes."""
    write_photos(folder / "photos")


def table(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """`photos/labels.csv`: two labels per image, which is the red of the first class or not."""
    with (folder / "photos" / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "red", "dark"])
        for label, name in enumerate(CLASSES):
            rows.writerows([f"{name}/{i}.png", int(label == 0), i % 2] for i in range(PHOTOS))


def padded_graph(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """`model.tflite`: a file of another maker, with an operator that the delegate does not have."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 3), tf.float32)])
    def network(image):
        return tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1.0)

    graph = network.get_concrete_function()
    file = tf.lite.TFLiteConverter.from_concrete_functions([graph]).convert()
    (folder / "model.tflite").write_bytes(file)


def applications(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A small backbone for `keras.applications.MobileNetV2`, whose weights would be fetched."""
    patch.setattr(keras.applications, "MobileNetV2", small_backbone)


def digits(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A third of the embedded digits, which show what all of them do."""
    few_digits(patch)


def phases(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Phases of fine-tuning of two epochs at most: those of the page are for real photos."""
    from kerascnn import transfer
    from kerascnn.transfer import phases as module

    patch.setattr(module, "default_phases", short_phases)
    whole = transfer.Phase
    short = lambda **options: whole(**{**options, "epochs": min(2, options["epochs"])})  # noqa: E731
    patch.setattr(transfer, "Phase", short)


def training(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """`kerascnn.train` only takes its arguments: it would fetch weights, and train for minutes."""
    import kerascnn
    from kerascnn.training import train

    def taken(*args, **options):
        inspect.signature(train).bind(*args, **options)
        return SimpleNamespace(metrics={"validation": SimpleNamespace(accuracy=1.0)})

    patch.setattr(kerascnn, "train", taken, raising=False)
