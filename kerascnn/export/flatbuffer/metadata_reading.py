"""The metadata flatbuffer and the label file of a `.tflite` file, taken apart."""

import dataclasses
import io
import zipfile
import zlib

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer import metadata_schema
from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.flatbuffer.reading import one_line

BUFFER_NAME = "TFLITE_METADATA"
CLASSES_FILE = "two_classes.txt"  # beside LABELS_FILE, where one output stands for two classes
LARGEST_LABELS = 16 << 20  # bytes; a few hundred thousand classes, and no zip bomb


def parse(buffer: bytes, content: bytes, source: str) -> Metadata:
    """The metadata in a buffer of a file, and the labels in the archive behind it.

    Args:
        buffer: The flatbuffer of the metadata.
        content: Of the `.tflite` file.
        source: What to call it in messages.

    Raises:
        BundleError: The metadata or the label file are damaged.
    """
    try:
        metadata, label_file = metadata_schema.decode(buffer)
        labels = _read_labels(content, label_file) if label_file else ()
    except BundleError as error:
        raise BundleError(
            f"{source} has damaged metadata: {error}. Export the model again."
        ) from None
    return dataclasses.replace(metadata, labels=labels)


def _read_labels(content: bytes, name: str) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if CLASSES_FILE in archive.namelist():
                name = CLASSES_FILE
            if archive.getinfo(name).file_size > LARGEST_LABELS:
                raise BundleError(f"its label file {name!r} is larger than {LARGEST_LABELS} bytes")
            text = archive.read(name).decode("utf-8")
    except KeyError:
        raise BundleError(f"it names the label file {name!r}, which is not in it") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError) as error:
        raise BundleError(f"its label file {name!r} cannot be read ({one_line(error)})") from None
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
