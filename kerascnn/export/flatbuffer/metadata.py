"""TFLite Metadata: labels and image properties inside the `.tflite` file itself.

MediaPipe Tasks and ML Kit read them: a flatbuffer (`metadata_schema.fbs`, identifier M001) in a
model buffer named TFLITE_METADATA, and the label file as a zip archive behind the model.
"""

import dataclasses
import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from kerascnn.errors import BundleError, InputError
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer import metadata_schema, structure
from kerascnn.export.flatbuffer.metadata_schema import CATEGORY, LABELS_FILE, SCORE, Metadata
from kerascnn.export.flatbuffer.reading import one_line
from kerascnn.export.flatbuffer.reading import read as read_file
from kerascnn.export.flatbuffer.tensors import specs
from kerascnn.files import PathLike

__all__ = ["Metadata", "embed", "parse", "read"]

BUFFER_NAME = "TFLITE_METADATA"
CLASSES_FILE = "two_classes.txt"  # beside LABELS_FILE, where one output stands for two classes
LARGEST_LABELS = 16 << 20  # bytes; a few hundred thousand classes, and no zip bomb
PARSER_VERSION = "1.0.0"  # of the schema, when the newest field written here was added

Color = Literal["rgb", "grayscale"]


def embed(
    model_bytes: bytes,
    *,
    name: str,
    description: str,
    labels: Sequence[str],
    version: str = "",
    author: str = "",
    license: str = "",
    color: Color | None = None,
    output_range: tuple[float, float] | None = (0.0, 1.0),
    output_names: Sequence[str] = (SCORE,),
) -> bytes:
    """The model with its metadata and labels inside; earlier ones are replaced.

    The input is described as a raw image, 0..255 (mean 0, std 1): preprocessing is in the graph.
    Same arguments, same bytes.

    Args:
        model_bytes: A `.tflite` image classifier or object detector.
        name: Name of the model.
        description: What it does.
        labels: Class names in the order of the output, one per value of its last axis; two for
            the one number of a sigmoid, the probability of the second. Clients of the metadata see
            that one only, `read` gives both.
        version: Version of the model.
        author: Who made it.
        license: Terms of its weights.
        color: Colour order; by default rgb for 3 channels and grayscale for 1.
        output_range: Range of the scores, None for logits.
        output_names: What each output is, "score" of a classifier; of a detector also "location",
            "category" and "number of detections". With "category" any number of labels will do.

    Raises:
        BundleError: The bytes are no whole `.tflite` model.
        InputError: Other outputs than named, labels
            that do not fit the output or cannot be a line of text, an input that
            is no image, or a colour that does not fit its channels.
    """
    model = flatbuffer.parse(model_bytes)
    inputs, outputs = specs(model_bytes)
    names = tuple(output_names)
    if len(inputs) != 1 or len(outputs) != len(names):
        raise InputError(
            f"the model has {len(inputs)} inputs and {len(outputs)} outputs. Expected one input "
            f"and {len(names)} output(s): {', '.join(names)}. Export such a model."
        )
    color = _checked_color(color, inputs[0].shape)
    shape = outputs[names.index(SCORE)].shape
    single = names == (SCORE,) and shape[-1:] == (1,)
    binary = single and len(labels) == 2 and output_range is not None
    classes = len(labels) if CATEGORY in names else (shape or (0,))[-1]
    _check_labels(labels[1:] if binary else labels, classes)
    content = metadata_schema.encode(
        Metadata(
            name=name,
            description=description,
            version=version,
            author=author,
            license=license,
            labels=tuple(labels),
            color=color,
            mean=(0.0,),
            std=(1.0,),
            input_range=(0.0, 255.0),
            output_range=output_range,
            min_parser_version=PARSER_VERSION,
            outputs=names,
        )
    )
    _store(model, content)
    packed = flatbuffer.pack(model)
    return _append_labels(packed, labels[1:], labels) if binary else _append_labels(packed, labels)


def read(path: PathLike | bytes) -> Metadata | None:
    """The metadata of a `.tflite` file, or None when it has none.

    Args:
        path: The file, or its content.

    Raises:
        InputError: No such file.
        BundleError: The model, its metadata or its label file are damaged.
    """
    content, source = read_file(path)
    structure.check(content, source)
    return parse(content, source)


def parse(content: bytes, source: str) -> Metadata | None:
    """As `read`, of a model that `structure.check` found whole; `source` is its name in messages.

    Raises:
        BundleError: Its metadata or its label file are damaged.
    """
    buffer = _stored(content)
    if buffer is None:
        return None
    try:
        metadata, label_file = metadata_schema.decode(buffer)
        labels = _read_labels(content, label_file) if label_file else ()
    except BundleError as error:
        raise BundleError(
            f"{source} has damaged metadata: {error}. Export the model again."
        ) from None
    return dataclasses.replace(metadata, labels=labels)


def _checked_color(color: Color | None, shape: tuple[int, ...]) -> Color:
    expected: dict[int, Color] = {3: "rgb", 1: "grayscale"}
    if len(shape) != 4 or shape[3] not in expected:
        raise InputError(
            f"the input has shape {shape}: expected an image (batch, height, width, 3 or 1)."
        )
    if color not in (None, expected[shape[3]]):
        raise InputError(
            f"color {color!r} does not fit {shape[3]} channel(s): expected {expected[shape[3]]!r}."
        )
    return expected[shape[3]]


def _check_labels(labels: Sequence[str], classes: int) -> None:
    if isinstance(labels, str) or len(labels) != classes:
        received = "one string" if isinstance(labels, str) else f"{len(labels)} labels"
        raise InputError(
            f"the model has {classes} outputs: expected {classes} labels in their order. "
            f"Received: {received}."
        )
    for index, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip() or len(label.splitlines()) != 1:
            raise InputError(
                f"label {index} cannot be a line of {LABELS_FILE}: expected text without line "
                f"breaks that is not blank. Received: {label!r}."
            )


def _store(model: Any, content: bytes) -> None:
    """Puts the metadata flatbuffer into the model's buffers, in place of an earlier one."""
    from ai_edge_litert.schema_py_generated import BufferT, MetadataT

    data = np.frombuffer(content, np.uint8)
    model.metadata = model.metadata or []
    for entry in model.metadata:
        if entry.name in (BUFFER_NAME, BUFFER_NAME.encode()):
            model.buffers[entry.buffer].data = data
            return
    model.buffers.append(BufferT(data=data))
    model.metadata.append(MetadataT(name=BUFFER_NAME, buffer=len(model.buffers) - 1))


def _stored(content: bytes) -> bytes | None:
    from ai_edge_litert.schema_py_generated import Model

    model = Model.GetRootAs(content, 0)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name() == BUFFER_NAME.encode():
            buffer = model.Buffers(entry.Buffer())
            if buffer.Offset() > 1:
                return content[buffer.Offset() : buffer.Offset() + buffer.Size()]
            return buffer.DataAsNumpy().tobytes() if buffer.DataLength() else b""
    return None


def _append_labels(content: bytes, labels: Sequence[str], classes: Sequence[str] = ()) -> bytes:
    """A zip archive behind the model: stored plainly, for readers that map it into memory."""
    stream = io.BytesIO(content)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, lines in ((LABELS_FILE, labels), (CLASSES_FILE, classes)):
            if not lines:
                continue
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, "".join(f"{line}\n" for line in lines).encode())
    return stream.getvalue()


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
