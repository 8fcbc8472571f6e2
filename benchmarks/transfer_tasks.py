"""Small classification tasks of different size, kind and balance, as folders of photos.

Every task is drawn by a rule and a seed from reference data: `build(name, seed, ROOT)` writes
ROOT/NAME-SEED/{train,test}/CLASS/*.png|jpg once. What is not drawn for training is for testing, so
that accuracies of small tasks are those of hundreds of unseen photos.

The names in CHOOSING were looked at while the defaults of fine-tuning were chosen; those in
CONFIRMING were not, until the choice was made. Both lists were written down before the first run.
"""

import os
import re
import shutil
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CHOOSING = (
    "flowers-300", "flowers-50", "pets-breeds", "blood-cells",
    "mnist-20", "fashion-100", "cifar10-20", "digits",
)  # fmt: skip
CONFIRMING = (
    "flowers-1146", "flowers-100", "flowers-alike", "pets-species",
    "smiles", "mnist-100", "fashion-20", "cifar10-100",
)  # fmt: skip

Item = tuple[Path | np.ndarray, str]  # a file or pixels, and its class


@dataclass(frozen=True)
class Drawn:
    """Training and test items of a task."""

    train: list[Item]
    test: list[Item]


def reference() -> Path:
    """The folder of reference data."""
    default = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("KERASCNN_SHARED", default))


def build(name: str, seed: int, root: Path) -> Path:
    """Returns the folder of a task, written if it is not there."""
    folder = root / f"{name}-{seed}"
    if folder.is_dir():
        return folder
    unfinished = root / f"{folder.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    drawn = TASKS[name](np.random.default_rng([seed, *name.encode()]))
    for split, items in {"train": drawn.train, "test": drawn.test}.items():
        for number, (source, label) in enumerate(items):
            place = unfinished / split / label
            place.mkdir(parents=True, exist_ok=True)
            if isinstance(source, Path):
                shutil.copyfile(source, place / f"{number:05}{source.suffix.lower()}")
            else:
                Image.fromarray(source).save(place / f"{number:05}.png")
    return unfinished.rename(folder)


def _by_class(items: list[Item], count: int | None, rng: np.random.Generator) -> Drawn:
    """`count` of each class for training (None: four fifths), the others for testing."""
    train, test = [], []
    for label in sorted({label for _, label in items}):
        own = [item for item in items if item[1] == label]
        order = rng.permutation(len(own))
        taken = round(0.8 * len(own)) if count is None else count
        train += [own[i] for i in order[:taken]]
        test += [own[i] for i in order[taken:]]
    return Drawn(train, test)


def _flowers(count: int | None, classes: tuple[str, ...] = ()) -> Callable:
    def draw(rng: np.random.Generator) -> Drawn:
        folder = reference() / "photos" / "tf_flowers"
        names = classes or tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        files = [(path, name) for name in names for path in sorted((folder / name).iterdir())]
        return _by_class(files, count, rng)

    return draw


def _pets(count: int, class_of: Callable[[str], str]) -> Callable:
    def draw(rng: np.random.Generator) -> Drawn:
        folder = reference() / "segmentation" / "pets" / "images"
        breeds = [(path, re.sub(r"_\d+$", "", path.stem)) for path in sorted(folder.glob("*.jpg"))]
        return _by_class([(path, class_of(breed)) for path, breed in breeds], count, rng)

    return draw


def _blood_cells(rng: np.random.Generator) -> Drawn:
    """Cells cut out by their boxes, a quarter wider; pictures, not cells, are split."""
    folder = reference() / "detection" / "bccd"
    pictures = sorted(folder.rglob("*.xml"))
    order = rng.permutation(len(pictures))
    train = [item for i in order[:10] for item in _cells(pictures[i])]
    test = [item for i in order[10:170] for item in _cells(pictures[i])]
    return Drawn(train, test)


def _cells(annotation: Path) -> Iterator[Item]:
    root = xml.etree.ElementTree.parse(annotation).getroot()
    pictures = annotation.parent.parent / "JPEGImages"
    with Image.open(pictures / f"{annotation.stem}.jpg") as image:
        pixels = image.convert("RGB")
    for item in root.iter("object"):
        ends = (item.findtext(f"bndbox/{end}") for end in ("xmin", "ymin", "xmax", "ymax"))
        left, top, right, bottom = (float(end) for end in ends)
        if right - left < 8 or bottom - top < 8:
            continue
        dx, dy = (right - left) / 8, (bottom - top) / 8
        box = (max(0, left - dx), max(0, top - dy), right + dx, bottom + dy)
        box = (*map(int, box[:2]), min(pixels.width, int(box[2])), min(pixels.height, int(box[3])))
        yield np.asarray(pixels.crop(box)), item.findtext("name")


def _smiles(rng: np.random.Generator) -> Drawn:
    """Two hundred of each class; blocks of numbers, since neighbours show one person."""
    folder = reference() / "faces" / "smiles"
    block = 500
    files = [(path, path.parent.name) for path in sorted(folder.rglob("*.jpg"))]
    blocks = sorted({int(path.stem) // block for path, _ in files})
    chosen = set(rng.permutation(blocks)[: len(blocks) // 2].tolist())
    train, test = [], []
    for label in ("neutral", "smile"):
        own = [item for item in files if item[1] == label]
        ours = [item for item in own if int(item[0].stem) // block in chosen]
        others = [item for item in own if int(item[0].stem) // block not in chosen]
        train += [ours[i] for i in rng.permutation(len(ours))[:200]]
        test += [others[i] for i in rng.permutation(len(others))[:500]]
    return Drawn(train, test)


def _tfds(name: str, per_class: int, tested: int = 2000) -> Callable:
    def draw(rng: np.random.Generator) -> Drawn:
        import tensorflow_datasets as tfds

        parts = []
        for split, count in (("train", per_class), ("test", None)):
            data, info = tfds.load(
                name, split=split, data_dir=reference() / "tfds", with_info=True, batch_size=-1
            )
            images, labels = data["image"].numpy().squeeze(), data["label"].numpy()
            names = info.features["label"].names
            if count is None:
                rows = rng.permutation(len(labels))[:tested]
            else:
                own = [np.flatnonzero(labels == k) for k in range(len(names))]
                rows = np.concatenate([rng.permutation(part)[:count] for part in own])
            parts.append([(images[row], names[labels[row]]) for row in rows])
        return Drawn(*parts)

    return draw


def _digits(rng: np.random.Generator) -> Drawn:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    return _by_class(
        [(image, str(label)) for image, label in zip(images, digits.target, strict=True)], 30, rng
    )


TASKS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    "flowers-1146": _flowers(None),
    "flowers-300": _flowers(60),
    "flowers-100": _flowers(20),
    "flowers-50": _flowers(10),
    "flowers-alike": _flowers(48, ("dandelion", "sunflowers")),
    "pets-breeds": _pets(80, lambda breed: breed),
    "pets-species": _pets(100, lambda breed: "cat" if breed[0].isupper() else "dog"),
    "blood-cells": _blood_cells,
    "smiles": _smiles,
    "mnist-20": _tfds("mnist", 20),
    "mnist-100": _tfds("mnist", 100),
    "fashion-20": _tfds("fashion_mnist", 20),
    "fashion-100": _tfds("fashion_mnist", 100),
    "cifar10-20": _tfds("cifar10", 20),
    "cifar10-100": _tfds("cifar10", 100),
    "digits": _digits,
}
