"""Feature caching: what a frozen backbone gives for each image is computed once, and kept on disk.

A cache is found by a key: a hash of the backbone's layers and weights and of every image and label.
Change one of them, and the cache is another one. Memory holds one batch at a time.
"""

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn.copying import described
from kerascnn.errors import DataError, InputError
from kerascnn.files import FolderKind, atomic_folder, json_object, user_path
from kerascnn.inputs.arrays import received
from kerascnn.inputs.keywords import keras_words
from kerascnn.inputs.targets import Targets
from kerascnn.transfer.feeding.batches import filled
from kerascnn.transfer.feeding.sources import Source

logger = logging.getLogger("kerascnn.transfer")

FEATURES, LABELS, INDEX = "features-{}.bin", "labels.bin", "cache.json"
WEIGHTS = "weights.bin"

View = Callable[[np.ndarray], np.ndarray]


def _contents(mark: Path) -> tuple[str, ...] | None:
    return (FEATURES.format("*"), LABELS) if "feature_type" in (json_object(mark) or {}) else None


CACHE = FolderKind("a feature cache", INDEX, _contents)


def original(images: np.ndarray) -> np.ndarray:
    """The view of images that leaves them as they are."""
    return images


def mirrored(images: np.ndarray) -> np.ndarray:
    """The view from left to right, of images `[B, H, W, C]`; an InputError for anything else."""
    if len(getattr(images, "shape", ())) != 4 or not hasattr(images, "__getitem__"):
        raise InputError(f"expected images [B, H, W, C]. Received: {received(images)}.")
    return images[:, :, ::-1]


@dataclass(frozen=True)
class Index:
    """`cache.json`: what the binary files hold, row by row in C order.

    Attributes:
        key: Of the backbone, the data and the views.
        images: Rows of each file.
        views: How many files of features there are.
        features: Shape of one row of them.
        labels: Shape of one label.
        feature_type, label_type: NumPy names.
        weighted: Whether there are sample weights, float32.
    """

    key: str
    images: int
    views: int
    features: tuple[int, ...]
    labels: tuple[int, ...]
    feature_type: str
    label_type: str
    weighted: bool = False  # caches of earlier versions have no such key


class FeatureCache:
    """Features and labels of a data set, read from disk through memory maps.

    Args:
        folder: One that `cache_features` wrote.

    Attributes:
        index: What is in it.
        features: One array `[images, ...]` per view, read-only.
        labels: `[images, ...]`, read-only.
        weights: `[images]` of each image in the loss, read-only; None where the data has none.

    Raises:
        InputError: No complete cache in the folder.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = user_path(folder)
        values = json_object(self.folder / INDEX)
        if values is None:
            raise InputError(f"no feature cache in {self.folder}: it has no {INDEX}.")
        try:
            values["features"] = tuple(values["features"])
            values["labels"] = tuple(values["labels"])
            index = Index(**values)
        except (TypeError, KeyError) as error:
            raise InputError(f"the feature cache in {self.folder} is damaged: {error}.") from error
        self.index = index
        self.features = tuple(
            self._map(FEATURES.format(view), index.feature_type, index.features)
            for view in range(index.views)
        )
        self.labels = self._map(LABELS, index.label_type, index.labels)
        self.weights = self._map(WEIGHTS, "float32", ()) if index.weighted else None

    def _map(self, name: str, kind: str, row: tuple[int, ...]) -> np.ndarray:
        path, shape = self.folder / name, (self.index.images, *row)
        expected = math.prod(shape) * np.dtype(kind).itemsize
        if not path.is_file() or path.stat().st_size != expected:
            raise InputError(
                f"the feature cache {path} is damaged: it should have {expected} bytes."
            )
        return np.memmap(path, kind, "r", shape=shape)


@keras_words(
    instead={
        "labels": "give them with the images, as batches or a tuple (images, labels)",
        "callbacks": "features are computed without training",
        "verbose": "what is done is written to the log, kerascnn.transfer",
    }
)
def cache_features(
    backbone: keras.Model,
    data: Any,
    folder: str | os.PathLike[str],
    *,
    views: Sequence[View] = (original,),
    batch_size: int = 32,
) -> FeatureCache:
    """Computes the features of a data set, or finds them computed.

    The data is read once more than its features need, to know it by its content.

    Args:
        backbone: From images to features; runs in inference mode.
        data: Batches of (images, labels) or (images, labels, sample weights), or a tuple of arrays,
            as `fine_tune` takes them: the same images whenever they are read, in any order.
        folder: Where caches are kept, each in a folder named by its key.
        views: Each gives a view of a batch of images, such as `mirrored`; the features of every
            view are kept.
        batch_size: Of arrays.

    Raises:
        DataError: The data is different when read again, as with random augmentation, has no end,
            is empty, or holds what is no batch of images with their labels.
        InputError: Images that the backbone does not take.
    """
    source = data if isinstance(data, Source) else _source(backbone, data, batch_size)
    if source.endless:
        raise DataError(
            f"the {source.name} has no end, so its features cannot be kept. Leave .repeat() out."
        )
    fingerprint = 0
    for batch in source:
        fingerprint += _content(batch, views)
    if not fingerprint:
        raise DataError("the data holds no image.")
    key = _key(backbone, fingerprint)
    final = user_path(folder) / key
    if final.is_dir():
        try:
            found = FeatureCache(final)
        except InputError as error:
            logger.warning("%s It is computed again.", error)
        else:
            logger.info("features of %d images found in %s", found.index.images, final)
            return found
    with atomic_folder(final, CACHE, overwrite=True) as partial:
        index, seen = _write(backbone, source, partial, key, views)
        if seen != fingerprint:
            raise DataError(
                "the images differ each time the data is read, so their features cannot be kept. "
                "Leave random augmentation out of the data, or use cache=False."
            )
        (partial / INDEX).write_text(json.dumps(asdict(index)), encoding="utf-8")
    size = sum(path.stat().st_size for path in final.iterdir())
    logger.info("features of %d images written to %s (%.1f MB)", index.images, final, size / 1e6)
    return FeatureCache(final)


def _source(backbone: keras.Model, data: Any, batch_size: int) -> Source:
    if not isinstance(backbone, keras.Model):
        raise InputError(f"`backbone` must be a keras.Model. Received: {type(backbone).__name__}.")
    try:
        source = Source(data, "data", batch_size=batch_size)
        source.suit(backbone, Targets("any", 0))
    except DataError as error:
        if "holds no batch" in str(error):
            raise DataError(f"the data holds no image. {error}") from error
        raise
    return source


def _write(
    backbone: keras.Model, source: Source, folder: Path, key: str, views: Sequence[View]
) -> tuple[Index, int]:
    """Writes features and labels batch by batch; returns what was written and the fingerprint."""
    fingerprint, rows, features, labels = 0, 0, np.empty(0), np.empty(0)
    weighted = len(source.first) == 3
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context((folder / FEATURES.format(view)).open("wb"))
            for view in range(len(views))
        ]
        label_file = stack.enter_context((folder / LABELS).open("wb"))
        weight_file = stack.enter_context((folder / WEIGHTS).open("wb")) if weighted else None
        largest = 0
        for batch in source:
            images, labels = batch[:2]
            fingerprint += _content(batch, views)
            rows += len(labels)
            label_file.write(labels.tobytes())
            if weight_file is not None:
                weight_file.write(batch[2].astype(np.float32).tobytes())
            largest = max(largest, len(images))
            for file, view in zip(files, views, strict=True):
                # The last batch is filled up: its size would be traced anew.
                whole = filled(view(images), largest)
                features = np.asarray(backbone.predict_on_batch(whole), "float32")[: len(images)]
                file.write(features.tobytes())
    index = Index(
        key=key,
        images=rows,
        views=len(views),
        features=features.shape[1:],
        labels=labels.shape[1:],
        feature_type=features.dtype.name,
        label_type=labels.dtype.name,
        weighted=weighted,
    )
    return index, fingerprint


def _content(batch: tuple[np.ndarray, ...], views: Sequence[View]) -> int:
    """A sum over images, each hashed with its label and weight: the same in any order."""
    images, *others = batch
    seen = [view(images) for view in views]
    total = 0
    for row in range(len(images)):
        digest = hashlib.blake2b(digest_size=16)
        for each in (*others, *seen):
            digest.update(np.ascontiguousarray(each[row]).view("uint8").data)
        total += int.from_bytes(digest.digest(), "big")
    return total


def _key(backbone: keras.Model, fingerprint: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for layer in backbone.layers:
        digest.update(f"{type(layer).__name__} {layer.name}".encode())
        text = described(layer)
        # What cannot be described is never found again.
        digest.update(os.urandom(16) if text is None else text.encode())
    for weight in backbone.weights:
        digest.update(f"{weight.path} {weight.shape}".encode())
        digest.update(np.ascontiguousarray(np.asarray(weight)).tobytes())
    digest.update(f"{fingerprint:x} {keras.__version__}".encode())
    return digest.hexdigest()
