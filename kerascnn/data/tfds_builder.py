"""Opening a set of TensorFlow Datasets: by name, checked, downloaded if it has to be."""

import difflib
import logging
import os
import re
import socket
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.errors import DataError
from kerascnn.names import label_name, shown

logger = logging.getLogger("kerascnn.data")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z0-9_.+-]+)?(:[0-9*]+\.[0-9*]+\.[0-9*]+)?")
_LONGEST = 100  # characters of a name


@dataclass(frozen=True)
class Features:
    """The names of the two features used, and the image shape, None where it varies."""

    image: str
    label: str
    shape: tuple[int | None, int | None, int | None]
    class_names: tuple[str, ...]

    @property
    def fixed(self) -> bool:
        """Whether all images are grey or RGB of one size, which TensorFlow can stack."""
        return None not in self.shape and self.shape[2] in (1, 3)


def open_builder(name: str, folder: str | os.PathLike[str] | None) -> Any:
    """Returns TFDS's builder of the set; raises DataError with the closest names if unknown."""
    import tensorflow_datasets as tfds

    if not name:
        raise DataError('a name is missing behind "tfds:", for instance tfds:mnist.')
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise DataError(
            f"tfds:{shown(name)} is no name of TensorFlow Datasets. Expected NAME, NAME/CONFIG or "
            "NAME:VERSION, such as tfds:mnist. Sets of communities, NAMESPACE:NAME, cannot be read."
        )
    if folder is not None and Path(folder).expanduser().is_file():
        raise DataError(f"{shown(folder)} is a file. Expected the folder of TensorFlow Datasets.")
    try:
        return tfds.builder(name, data_dir=folder)
    except tfds.core.registered.DatasetNotFoundError as error:
        known = {*tfds.list_builders(with_community_datasets=False), *_prepared(folder)}
        if _plain_name(name) in _prepared(folder):
            raise DataError(
                f"tfds:{name} cannot be opened: {shown(Path(folder or '', _plain_name(name)))} has "
                "no such version or configuration, or is damaged. Prepare it again."
            ) from error
        close = difflib.get_close_matches(_plain_name(name), sorted(known), 3, 0.5)
        hint = f"Did you mean {' or '.join(close)}?" if close else "See tfds.list_builders()."
        raise DataError(
            f"TensorFlow Datasets has no set named {name!r} (looked in {folder or 'its default'} "
            f"as well). {hint}"
        ) from error
    except (ValueError, KeyError, ImportError, RuntimeError) as error:
        raise DataError(f"tfds:{name} cannot be opened: {first_line(error)}") from error


def _plain_name(name: str) -> str:
    return re.split("[/:]", name)[0]


def _prepared(folder: str | os.PathLike[str] | None) -> list[str]:
    path = Path(folder).expanduser() if folder else None
    if path is None or not path.is_dir():
        return []
    return [child.name for child in path.iterdir() if child.is_dir()]


def find_features(name: str, builder: Any) -> Features:
    """Returns the image and label features; raises DataError unless there is one of each."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    found = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    images = [key for key, value in found.items() if type(value) is tfds.features.Image]
    labels = [key for key, value in found.items() if isinstance(value, tfds.features.ClassLabel)]
    pair = builder.info.supervised_keys
    if pair is not None and len(pair) == 2 and pair[0] in images and pair[1] in labels:
        images, labels = [pair[0]], [pair[1]]
    if len(images) != 1 or len(labels) != 1:
        listed = ", ".join(sorted(found))
        boxes = [key for key, value in found.items() if "BBoxFeature" in repr(value)]
        what = f" but one of boxes ({boxes[0]})" if boxes else ""
        raise DataError(
            f"tfds:{name} is no image classification set{what}: exactly one image and one class "
            f"label were expected, its features are {listed[:200] or 'of another kind'}."
        )
    image, label = found[images[0]], found[labels[0]]
    if image.np_dtype != np.uint8:
        raise DataError(f"tfds:{name} has {image.np_dtype} images, 8-bit ones were expected.")
    if label.num_classes is None or label.num_classes < 2:
        raise DataError(f"tfds:{name} has fewer than two classes.")
    return Features(
        images[0], labels[0], tuple(image.shape), tuple(map(label_name, map(str, label.names)))
    )


def prepare(name: str, builder: Any) -> None:
    """Downloads and prepares the set; raises DataError that says what to do without a network."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    advice = (
        "Prepare it where there is a network and name its folder by data_dir or TFDS_DATA_DIR "
        f"(looked in {builder.data_dir})."
    )
    host = _unreachable_host(builder)
    if host:
        # TFDS itself would try again for minutes.
        raise DataError(
            f"tfds:{name} is not prepared and cannot be downloaded: {host} is unknown here, the "
            f"machine is offline. {advice}"
        )
    logger.warning("downloading and preparing tfds:%s in %s", name, builder.data_dir)
    try:
        builder.download_and_prepare()
    except (
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        AssertionError,
        ImportError,
        tf.errors.OpError,
        tfds.download.DownloadError,
    ) as error:
        raise DataError(
            f"tfds:{name} could not be downloaded and prepared: {first_line(error)} {advice}"
        ) from error


def _unreachable_host(builder: Any) -> str | None:
    """Returns a download host whose address cannot be found, None if all is well or unknown."""
    if urllib.request.getproxies():
        return None  # the proxy finds the address
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos}
    for host in sorted(host for host in hosts if host):
        try:
            socket.getaddrinfo(host, 443)
        except OSError:
            return host
    return None


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message: TensorFlow's run over many."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
