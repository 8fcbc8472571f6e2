"""The source "tfds:NAME": image classification sets of TensorFlow Datasets."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kerascnn.data.collection import Collection
from kerascnn.data.images.decode import UnreadableImage, decode
from kerascnn.data.images.memory import THREADS
from kerascnn.data.plan import Plan, Request, make_plan
from kerascnn.data.stores import ArrayStore, allocate, fits_in_memory
from kerascnn.data.tfds_builder import Features, find_features, first_line, open_builder, prepare
from kerascnn.errors import DataError

_CHUNK = 512  # images taken from TensorFlow at a time


def read_tfds(name: str, request: Request, data_dir: str | os.PathLike[str] | None) -> Collection:
    """Returns the data set `name` ("mnist", "NAME/CONFIG"), downloading it if it is not prepared.

    A prepared set is only read; nothing is written into its folder.

    Args:
        name: the part of the source behind "tfds:".
        request: what the images shall become.
        data_dir: the folder of data sets; None means the variable TFDS_DATA_DIR, or else the
            default of TensorFlow Datasets.

    Raises:
        DataError: an unknown name, a set that is no image classification, a failed download.
    """
    folder = data_dir or os.environ.get("TFDS_DATA_DIR") or None
    builder = open_builder(name, folder)
    features = find_features(name, builder)
    if not builder.is_prepared():
        prepare(name, builder)
    parts = _official_parts(name, builder)
    height, width, depth = features.shape
    plan = make_plan(
        request,
        common_size=None if height is None or width is None else (height, width),
        grey=depth == 1,
    )
    sizes = {split: builder.info.splits[part].num_examples for split, part in parts.items()}
    total = sum(sizes.values())
    in_memory = fits_in_memory(total, plan.size, plan.channels, request.cache)
    images = allocate(total, plan.size, plan.channels, in_memory=in_memory)
    labels = np.empty(total, np.int32)
    official, start = {}, 0
    for split, part in parts.items():
        end = start + sizes[split]
        _fill(builder, part, features, plan, images[start:end], labels[start:end])
        official[split] = np.arange(start, end)
        start = end
    if total and labels.min() < 0:
        raise DataError(f"tfds:{name} has images without a label, it cannot be trained on.")
    notes = [f"{split}: the official split {parts[split]!r}" for split in parts if split != "train"]
    if not in_memory:
        notes.append("decoded images kept in a temporary file instead of memory")
    return Collection(
        store=ArrayStore(images),
        labels=labels,
        keys=[str(number) for number in range(total)],
        class_names=features.class_names,
        plan=plan,
        official=official,
        notes=tuple(notes),
    )


def _official_parts(name: str, builder: Any) -> dict[str, str]:
    """Returns which official split serves as train, validation and test."""
    present = list(builder.info.splits)
    if "train" not in present:
        raise DataError(f"tfds:{name} has no train split, it has {', '.join(present) or 'none'}.")
    if "test" not in present:
        return {"train": "train"} | ({"test": "validation"} if "validation" in present else {})
    return {split: split for split in ("train", "validation", "test") if split in present}


def _fill(
    builder: Any,
    part: str,
    features: Features,
    plan: Plan,
    images: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Decodes one official split into `images` and `labels`, in the set's own order."""
    filled = 0
    for pixels, chunk_labels in _chunks(builder, part, features, plan):
        end = filled + len(pixels)
        images[filled:end] = pixels
        labels[filled:end] = chunk_labels
        filled = end
    if filled != len(images):
        raise DataError(
            f"split {part!r} of {builder.info.full_name} holds {filled} images, its description "
            f"promises {len(images)}: the copy in {builder.data_path} is damaged."
        )


def _chunks(
    builder: Any, part: str, features: Features, plan: Plan
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import tensorflow as tf

    depth = features.shape[2]

    def decode_one(encoded: Any) -> Any:
        # Reads PNG as well as JPEG; the accurate inverse DCT is the one Pillow uses.
        return tf.io.decode_jpeg(encoded, depth, dct_method="INTEGER_ACCURATE")

    def decode_all(encoded: Any, labels: Any) -> tuple[Any, Any]:
        kind = tf.TensorSpec(features.shape, tf.uint8)
        return tf.map_fn(decode_one, encoded, fn_output_signature=kind), labels

    dataset = _encoded(builder, part, features)
    if features.fixed:
        dataset = dataset.map(decode_all, num_parallel_calls=tf.data.AUTOTUNE)
    try:
        for pixels, labels in dataset.prefetch(2).as_numpy_iterator():
            yield (
                (
                    plan.rule.apply_batch(pixels, plan.size, plan.channels)
                    if features.fixed
                    else _decode_encoded(pixels, plan)
                ),
                labels,
            )
    except (tf.errors.OpError, UnreadableImage) as error:
        raise DataError(
            f"an image of split {part!r} of {builder.info.full_name} cannot be decoded; the copy "
            f"in {builder.data_path} may be damaged: {first_line(error)}"
        ) from error


def _encoded(builder: Any, part: str, features: Features) -> Any:
    """Returns a dataset of (encoded images, labels) in chunks, in the set's own order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    if builder.info.file_format is tfds.core.FileFormat.TFRECORD:
        # Parsing a chunk at a time is several times faster than TFDS's one by one.
        kinds = {
            features.image: tf.io.FixedLenFeature([], tf.string),
            features.label: tf.io.FixedLenFeature([], tf.int64),
        }
        files = [os.fspath(path) for path in builder.info.splits[part].filepaths]
        dataset = tf.data.TFRecordDataset(files).batch(_CHUNK)
        dataset = dataset.map(lambda records: tf.io.parse_example(records, kinds))
    else:
        skip = {features.image: tfds.decode.SkipDecoding()}
        dataset = builder.as_dataset(split=part, shuffle_files=False, decoders=skip).batch(_CHUNK)
    return dataset.map(lambda example: (example[features.image], example[features.label]))


def _decode_encoded(encoded: np.ndarray, plan: Plan) -> np.ndarray:
    def read(data: bytes) -> np.ndarray:
        return decode(data, plan.size, plan.channels, plan.rule)[0]

    with ThreadPoolExecutor(THREADS) as pool:
        return np.stack(list(pool.map(read, encoded)))
