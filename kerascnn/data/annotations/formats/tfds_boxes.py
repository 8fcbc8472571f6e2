"""Sets of TensorFlow Datasets with boxes (`objects`) or masks (`segmentation_mask`)."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.data.annotations.form.mask_values import Hints
from kerascnn.data.annotations.form.raw import RawImage, RawObject, RawSet, Wish
from kerascnn.data.annotations.formats.masks import read_mask_values
from kerascnn.data.tfds_builder import first_line, open_builder, prepare
from kerascnn.errors import DataError
from kerascnn.files import PathLike
from kerascnn.names import shown

_PLAIN_NAME = re.compile(r"[\w-][\w .-]{0,99}")
_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
_SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"GIF8": ".gif"}


class _TemporaryFolder:
    """A folder that is removed when nothing refers to this object any more, or the process ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="kerascnn-tfds-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def read_tfds_annotations(name: str, data_dir: PathLike | None, wish: Wish) -> RawSet:
    """Reads a set: its encoded pictures and masks are written, as they are, to a temporary folder.

    Boxes are those of a feature that is a sequence of a BBoxFeature and a ClassLabel, or a single
    BBoxFeature beside the label of the picture. Masks are an image feature whose name has "mask".

    Args:
        name: What stands behind "tfds:".
        data_dir: The folder of prepared sets, None for the default of TensorFlow Datasets.
        wish: What the caller asked for.

    Raises:
        DataError: No such set, or none with boxes or masks.
    """
    import tensorflow_datasets as tfds

    builder = open_builder(name, data_dir)
    features = dict(builder.info.features.items())
    images = [key for key, value in features.items() if type(value) is tfds.features.Image]
    masks = [key for key in images if "mask" in key.lower()]
    photos = [key for key in images if key not in masks]
    boxes = _box_features(features)
    wanted = masks if wish.task == "segmentation" else boxes
    if len(photos) != 1 or not wanted:
        kind = "masks" if wish.task == "segmentation" else "boxes"
        raise DataError(
            f"tfds:{shown(name)} has no {kind} for one image. Its features are "
            f"{', '.join(features)}. Expected an image and "
            f"{'a segmentation_mask' if kind == 'masks' else 'objects with bbox and label'}."
        )
    if not builder.is_prepared():
        prepare(name, builder)
    raw = RawSet(note_unused=False)
    raw.kept = _TemporaryFolder()
    folder = raw.kept.path
    used: dict[str, set[str]] = {}
    decoders = {key: tfds.decode.SkipDecoding() for key in (photos[0], *masks)}
    if wish.task == "detection":
        feature = boxes[0]
        raw.names = _label_names(features, feature)
    for split, example, number in _examples(name, builder, decoders):
        stem = _stem(example, number, used.setdefault(split, set()))
        picture = _write(folder / split, stem, example[photos[0]])
        image = RawImage(picture, f"{split} {number}", split=split, fractions=True)
        if wish.task == "segmentation":
            image.mask = _write(folder / f"{split}_masks", stem, example[masks[0]])
        else:
            image.objects = list(_objects(example, feature, raw))
        raw.images.append(image)
    if wish.task == "segmentation":
        hints = Hints(trimaps=builder.name.startswith("oxford_iiit_pet"))
        read_mask_values(raw, folder, [], hints, wish)
    return raw


def _box_features(features: dict[str, Any]) -> list[str]:
    """Returns the features that hold boxes with labels."""
    import tensorflow_datasets as tfds

    found = []
    for key, value in features.items():
        inner = getattr(value, "feature", None)
        if isinstance(value, tfds.features.Sequence) and isinstance(
            inner, tfds.features.FeaturesDict
        ):
            kinds = [type(part) for part in dict(inner.items()).values()]
            if tfds.features.BBoxFeature in kinds and tfds.features.ClassLabel in kinds:
                found.append(key)
        elif isinstance(value, tfds.features.BBoxFeature) and "label" in features:
            found.append(key)
    return found


def _label_names(features: dict[str, Any], feature: str) -> tuple[str, ...]:
    import tensorflow_datasets as tfds

    inner = getattr(features[feature], "feature", None)
    parts = dict(inner.items()) if inner is not None else {"label": features["label"]}
    label = next(part for part in parts.values() if isinstance(part, tfds.features.ClassLabel))
    return tuple(map(str, label.names))


def _examples(name: str, builder: Any, decoders: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """Yields split, example and its number, in the set's own order."""
    import tensorflow as tf

    present = list(builder.info.splits)
    splits = {split: split for split in _SPLITS if split in present}
    if "test" not in splits and "validation" in splits:
        splits = {"train": "train", "test": "validation"}
    if "train" not in present:
        raise DataError(f"tfds:{shown(name)} has no train split, it has {', '.join(present)}.")
    for split, part in splits.items():
        dataset = builder.as_dataset(split=part, shuffle_files=False, decoders=decoders)
        try:
            for number, example in enumerate(dataset.as_numpy_iterator()):
                yield split, example, number
        except tf.errors.OpError as error:
            raise DataError(
                f"split {part!r} of tfds:{shown(name)} cannot be read; the copy in "
                f"{builder.data_path} may be damaged: {first_line(error)}"
            ) from error


def _stem(example: Any, number: int, used: set[str]) -> str:
    """Returns a name for the files of an example: that of its file, if it says a plain one."""
    stated = example.get("file_name", b"")
    stem = Path(stated.decode("utf-8", "replace")).stem if isinstance(stated, bytes) else ""
    if not _PLAIN_NAME.fullmatch(stem) or stem.casefold() in used:
        stem = f"{number:07d}"
    used.add(stem.casefold())
    return stem


def _write(folder: Path, stem: str, encoded: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    suffix = next((s for mark, s in _SUFFIXES.items() if encoded.startswith(mark)), ".img")
    path = folder / f"{stem}{suffix}"
    path.write_bytes(encoded)
    return path


def _objects(example: Any, feature: str, raw: RawSet) -> Iterator[RawObject]:
    value = example[feature]
    if isinstance(value, dict):
        keys = {key: np.asarray(part) for key, part in value.items()}
        boxes = next(part for part in keys.values() if part.ndim == 2 and part.shape[1:] == (4,))
        labels = (
            keys["label"]
            if "label" in keys
            else next(part for part in keys.values() if part.ndim == 1 and part.dtype == np.int64)
        )
    else:
        keys, boxes = {}, np.asarray(value)[np.newaxis]
        labels = np.asarray([example["label"]])
    for row, (box, label) in enumerate(zip(boxes.tolist(), labels.tolist(), strict=True)):
        if label < 0:
            raw.tally.add("objects without a class, dropped")
            continue
        top, left, bottom, right = box
        yield RawObject(
            (raw.names or ())[label],
            (left, top, right, bottom),
            crowd=bool(keys["is_crowd"][row]) if "is_crowd" in keys else False,
            difficult=bool(keys["is_difficult"][row]) if "is_difficult" in keys else False,
            where=f"object {row + 1}",
        )
